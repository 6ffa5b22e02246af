from django.db import migrations

# Places that were there before environments: what their names say holds from their next revision.
ASK = """
UPDATE deployments_deployment
SET environment = slug, required_stage = slug, require_digest = (slug = 'production')
WHERE slug IN ('production', 'staging') AND environment = 'development' AND required_stage = 'none'
"""


class Migration(migrations.Migration):
    dependencies = (("deployments", "0006_revisions_stay"),)

    operations = (migrations.RunSQL(ASK, migrations.RunSQL.noop),)
