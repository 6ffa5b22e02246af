from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contributions", "0005_impact_totals")]

    operations = [
        migrations.AddField(
            model_name="attestation",
            name="issued_at",
            field=models.DateTimeField(
                editable=False,
                help_text="when its statement was made, by the signer's clock",
                null=True,
            ),
        ),
    ]
