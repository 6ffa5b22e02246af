import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contributions", "0006_attestation_issued_at")]

    operations = [
        migrations.AlterField(
            model_name="attribution",
            name="improvement",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attribution",
                to="contributions.improvement",
            ),
        ),
        migrations.AddField(
            model_name="attribution",
            name="alternative_to",
            field=models.ForeignKey(
                help_text="the attribution that decides; this one is indicative",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="alternatives",
                to="contributions.attribution",
            ),
        ),
        migrations.AddConstraint(
            model_name="attribution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("improvement", None), ("alternative_to", None), _connector="XOR"
                ),
                name="attribution_decides_or_stands_beside",
            ),
        ),
        migrations.AddConstraint(
            model_name="attribution",
            constraint=models.UniqueConstraint(
                fields=("alternative_to", "method"), name="attribution_alternative_once"
            ),
        ),
    ]
