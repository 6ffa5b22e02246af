import functools

from django.db import migrations, models

import hokusai.core.ids


class Migration(migrations.Migration):
    """Taking in a tracking server in bulk, and what its experiments say of themselves."""

    dependencies = [("registry", "0006_guard_stages")]

    operations = [
        migrations.AddField(
            model_name="trackedexperiment",
            name="tags",
            field=models.JSONField(
                default=dict, help_text="hokusai.project names who may claim it"
            ),
        ),
        migrations.AlterField(
            model_name="trackingimport",
            name="public_id",
            field=models.CharField(
                default=functools.partial(hokusai.core.ids.new_id, "tim"),
                editable=False,
                help_text="public id",
                max_length=48,
                unique=True,
            ),
        ),
        migrations.CreateModel(
            name="TrackingIntake",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("batch", models.UUIDField()),
                ("row", models.JSONField()),
            ],
            options={"ordering": ("id",)},
        ),
        migrations.AddIndex(
            model_name="trackedversion",
            index=models.Index(
                fields=["run_id"],
                condition=models.Q(("run_id", ""), _negated=True),
                name="tracked_version_run",
            ),
        ),
        # What it holds lives as long as the transaction that wrote it.
        migrations.RunSQL(
            "ALTER TABLE registry_trackingintake SET UNLOGGED",
            "ALTER TABLE registry_trackingintake SET LOGGED",
        ),
    ]
