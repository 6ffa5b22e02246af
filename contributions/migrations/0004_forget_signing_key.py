from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contributions", "0003_keys_to_signers")]

    operations = [migrations.DeleteModel(name="SigningKey")]
