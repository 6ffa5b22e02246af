import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Keep which version a training starts from."""

    dependencies = [
        ("experiments", "0003_attempts_and_trainings"),
        ("registry", "0008_lean_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="training",
            name="baseline",
            field=models.ForeignKey(
                help_text="whose data the control is fitted on; both versions derive from it",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="registry.modelversion",
            ),
        ),
    ]
