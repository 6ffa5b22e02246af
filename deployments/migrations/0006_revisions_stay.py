from django.db import migrations, models

STAY = """
CREATE FUNCTION deployments_revision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a revision keeps its deployment, number, version and digests'
    USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER deployments_revision_stays
  BEFORE UPDATE OF deployment_id, number, version_id, digest, converted_digest, public_id
  ON deployments_revision FOR EACH ROW
  WHEN ((OLD.deployment_id, OLD.number, OLD.version_id, OLD.digest, OLD.converted_digest,
         OLD.public_id)
        IS DISTINCT FROM
        (NEW.deployment_id, NEW.number, NEW.version_id, NEW.digest, NEW.converted_digest,
         NEW.public_id))
  EXECUTE FUNCTION deployments_revision_stays();
"""
CHANGE = """
DROP TRIGGER deployments_revision_stays ON deployments_revision;
DROP FUNCTION deployments_revision_stays();
"""


class Migration(migrations.Migration):
    """A revision is one version's bytes in one place, for good."""

    dependencies = [("deployments", "0005_prediction_receipts")]

    operations = [
        migrations.AddField(
            model_name="revision",
            name="served_with",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text=("memory, latency budget and idle time that its provider was last told"),
                max_length=80,
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(STAY, CHANGE),
    ]
