from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import hokusai.core.fields


class Migration(migrations.Migration):
    """Events say which transaction recorded them; those of before count as long committed."""

    atomic = False
    dependencies = [("core", "0001_initial")]

    operations = [
        # A constant first, which rewrites no row; the transaction's number for those to come.
        migrations.AddField(
            model_name="event",
            name="xact",
            field=models.BigIntegerField(
                db_default=0, editable=False, help_text="transaction that recorded it"
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="xact",
            field=models.BigIntegerField(
                db_default=hokusai.core.fields.CurrentTransaction(),
                editable=False,
                help_text="transaction that recorded it",
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(fields=["xact", "id"], name="event_by_xact"),
        ),
    ]
