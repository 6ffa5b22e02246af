from django.db import migrations

SAME = ("key_id", "algorithm", "purpose", "public_pem", "valid_from")


def hand_over(apps, schema_editor):
    """What a revoked key had signed counted no more: it is compromised from the first leaf on."""
    old = apps.get_model("contributions", "SigningKey")
    new = apps.get_model("signers", "SigningKey")
    for row in old.objects.order_by("pk"):
        kept = {name: getattr(row, name) for name in SAME}
        revoked = row.revoked_at is not None
        new.objects.update_or_create(
            key_id=kept.pop("key_id"),
            defaults={
                **kept,
                "compromised_at": row.revoked_at,
                "compromised_from_index": 0 if revoked else None,
            },
        )


def take_back(apps, schema_editor):
    """Ed25519 keys alone: the old table knew no other."""
    old = apps.get_model("contributions", "SigningKey")
    new = apps.get_model("signers", "SigningKey")
    for row in new.objects.filter(algorithm="ed25519").order_by("pk"):
        kept = {name: getattr(row, name) for name in SAME}
        old.objects.update_or_create(
            key_id=kept.pop("key_id"), defaults={**kept, "revoked_at": row.compromised_at}
        )
    new.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("contributions", "0002_attribution_and_log"),
        ("signers", "0001_keys"),
    ]

    operations = [migrations.RunPython(hand_over, take_back)]
