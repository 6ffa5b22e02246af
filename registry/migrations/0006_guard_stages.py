from django.db import migrations

# What the services promise, kept by the database whoever writes: an approved promotion has its
# approvals, by persons without a part in it; a stage changes only together with its history.
GUARD = """
INSERT INTO registry_stagechange
  (model_id, version_id, before, after, reason, actor, actor_label, comment, created_at,
   promotion_id)
SELECT v.model_id, v.id, 'none', v.stage, 'promoted', 'system:hokusai', 'Hokusai',
  'As the stage was when the history began.', coalesce(p.decided_at, v.created_at), p.id
FROM registry_modelversion v
LEFT JOIN LATERAL (
  SELECT id, decided_at FROM registry_promotion
  WHERE version_id = v.id AND target = v.stage AND status = 'approved' ORDER BY id DESC LIMIT 1
) p ON true
WHERE v.stage <> 'none';

INSERT INTO registry_promotionapproval (promotion_id, approver_id, role, comment, created_at)
SELECT id, decided_by_id, '', decision_comment, decided_at FROM registry_promotion
WHERE status = 'approved' AND decided_by_id IS NOT NULL;

CREATE FUNCTION registry_guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE part bigint[]; given int;
BEGIN
  IF NEW.status = 'approved' AND OLD.status <> 'approved' THEN
    SELECT array[NEW.requested_by_id, registered_by_id] INTO part
      FROM registry_modelversion WHERE id = NEW.version_id;
    SELECT count(DISTINCT approver_id) INTO given FROM registry_promotionapproval
      WHERE promotion_id = NEW.id AND approver_id <> ALL (part);
    IF given < NEW.approvals_needed THEN
      RAISE EXCEPTION 'promotion % has % of % approvals', NEW.public_id, given,
        NEW.approvals_needed USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER registry_promotion_approved BEFORE UPDATE OF status ON registry_promotion
  FOR EACH ROW EXECUTE FUNCTION registry_guard_approval();

CREATE FUNCTION registry_guard_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.reason = 'promoted' AND NOT EXISTS (
    SELECT 1 FROM registry_promotion
    WHERE id = NEW.promotion_id AND version_id = NEW.version_id AND target = NEW.after
      AND status = 'approved'
  ) THEN
    RAISE EXCEPTION 'no approved promotion leads to this stage' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.reason = 'rolled_back' AND NEW.after = 'production' AND NOT EXISTS (
    SELECT 1 FROM registry_stagechange
    WHERE version_id = NEW.version_id AND after = 'production'
  ) THEN
    RAISE EXCEPTION 'this version was never in production' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.reason IN ('displaced', 'retired') AND NEW.after <> 'archived' THEN
    RAISE EXCEPTION 'such a version is archived' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER registry_stagechange_founded BEFORE INSERT ON registry_stagechange
  FOR EACH ROW EXECUTE FUNCTION registry_guard_change();

CREATE FUNCTION registry_guard_stage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last text; now_is text;
BEGIN
  SELECT stage INTO now_is FROM registry_modelversion WHERE id = NEW.id;
  SELECT after INTO last FROM registry_stagechange
    WHERE version_id = NEW.id ORDER BY id DESC LIMIT 1;
  IF coalesce(last, 'none') <> now_is THEN
    RAISE EXCEPTION 'a stage changes together with its history' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER registry_modelversion_stage AFTER UPDATE OF stage
  ON registry_modelversion DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION registry_guard_stage();
"""

UNGUARD = """
DROP TRIGGER registry_modelversion_stage ON registry_modelversion;
DROP TRIGGER registry_stagechange_founded ON registry_stagechange;
DROP TRIGGER registry_promotion_approved ON registry_promotion;
DROP FUNCTION registry_guard_stage();
DROP FUNCTION registry_guard_change();
DROP FUNCTION registry_guard_approval();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0005_tracking_mirror'),
    ]

    operations = [
        migrations.RunSQL(GUARD, UNGUARD),
    ]
