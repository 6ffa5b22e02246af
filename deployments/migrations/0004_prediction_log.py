import functools

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import deployments.log_models
import hokusai.core.ids

TABLE = """
CREATE TABLE deployments_predictionlog (
    id bigint NOT NULL,
    at timestamptz NOT NULL,
    project_id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    revision_id bigint NOT NULL,
    total_ms real NOT NULL,
    model_ms real NOT NULL,
    weight real NOT NULL CHECK (weight >= 1),
    rows integer NOT NULL,
    input_bytes integer NOT NULL,
    output_bytes integer NOT NULL,
    status smallint NOT NULL,
    cached boolean NOT NULL,
    request_id text NOT NULL,
    key_id text NOT NULL,
    code text NOT NULL,
    content_type text NOT NULL,
    input_digest text NOT NULL,
    redacted text[],
    -- JSON as it was read, which `json` would keep too, for a second reading of every row.
    input text,
    output text,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
-- Charts read nothing but this index.
CREATE INDEX predictionlog_seen ON deployments_predictionlog (deployment_id, at)
    INCLUDE (status, total_ms, weight);
CREATE INDEX predictionlog_failed ON deployments_predictionlog (deployment_id, at)
    WHERE status >= 400;
CREATE INDEX predictionlog_request ON deployments_predictionlog (request_id);
-- For rows of a day that has no partition yet; `keep` moves them.
CREATE TABLE deployments_predictionlog_default PARTITION OF deployments_predictionlog DEFAULT;
"""

# Runs with the rights of the owner of the tables: web and workers may make and drop no table.
# It takes two numbers and touches nothing but the days of this one table. Days are those of UTC.
KEEP = r"""
CREATE FUNCTION deployments_keep_predictionlog(ahead_days integer, keep_days integer)
RETURNS TABLE (done text, part text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
SET timezone = 'UTC'
AS $keep$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    one date;
BEGIN
    IF ahead_days IS NULL OR ahead_days NOT BETWEEN 1 AND 31 THEN
        RAISE EXCEPTION 'ahead_days is from 1 to 31' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF keep_days IS NULL OR keep_days NOT BETWEEN 1 AND 3660 THEN
        RAISE EXCEPTION 'keep_days is from 1 to 3660' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('deployments_keep_predictionlog'));
    DELETE FROM public.deployments_predictionlog_default
        WHERE at < (today - keep_days)::timestamp AT TIME ZONE 'UTC';
    FOR one IN
        SELECT today + ahead FROM generate_series(0, ahead_days) AS ahead
        UNION
        SELECT DISTINCT (late.at AT TIME ZONE 'UTC')::date
            FROM public.deployments_predictionlog_default AS late
            WHERE late.at < (today + ahead_days + 1)::timestamp AT TIME ZONE 'UTC'
    LOOP
        part := 'deployments_predictionlog_p' || to_char(one, 'YYYYMMDD');
        IF to_regclass('public.' || quote_ident(part)) IS NULL THEN
            LOCK TABLE public.deployments_predictionlog_default IN ACCESS EXCLUSIVE MODE;
            EXECUTE format(
                'CREATE TABLE public.%I (LIKE public.deployments_predictionlog'
                ' INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
                ' WITH (autovacuum_vacuum_insert_scale_factor = 0.05)', part
            );
            EXECUTE format(
                'WITH moved AS (DELETE FROM public.deployments_predictionlog_default'
                ' WHERE at >= %L AND at < %L RETURNING *)'
                ' INSERT INTO public.%I SELECT * FROM moved',
                one::timestamptz, (one + 1)::timestamptz, part
            );
            EXECUTE format(
                'ALTER TABLE public.deployments_predictionlog ATTACH PARTITION public.%I'
                ' FOR VALUES FROM (%L) TO (%L)', part, one::timestamptz, (one + 1)::timestamptz
            );
            done := 'made';
            RETURN NEXT;
        END IF;
    END LOOP;
    FOR part IN
        SELECT child.relname
        FROM pg_inherits AS tie JOIN pg_class AS child ON child.oid = tie.inhrelid
        WHERE tie.inhparent = 'public.deployments_predictionlog'::regclass
            AND child.relname ~ '^deployments_predictionlog_p[0-9]{8}$'
            AND to_date(right(child.relname, 8), 'YYYYMMDD') < today - keep_days
    LOOP
        EXECUTE format('DROP TABLE public.%I', part);
        done := 'dropped';
        RETURN NEXT;
    END LOOP;
END
$keep$;
REVOKE ALL ON FUNCTION deployments_keep_predictionlog(integer, integer) FROM PUBLIC;
"""
FORGET = """
DROP FUNCTION deployments_keep_predictionlog(integer, integer);
DROP TABLE deployments_predictionlog;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_event_transaction"),
        ("deployments", "0003_batch_predictions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(TABLE + KEEP, FORGET),
        migrations.CreateModel(
            name="PredictionLog",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(help_text="when the request came")),
                ("request_id", models.TextField()),
                ("key_id", models.TextField(help_text="public id of the key or person that asked")),
                ("status", models.SmallIntegerField(help_text="of the HTTP answer")),
                ("code", models.TextField(help_text="of the error; empty for an answer")),
                ("rows", models.IntegerField()),
                ("total_ms", models.FloatField()),
                ("model_ms", models.FloatField()),
                ("cached", models.BooleanField()),
                ("weight", models.FloatField(help_text="for how many predictions this row stands")),
                ("content_type", models.TextField()),
                ("input_bytes", models.IntegerField()),
                ("output_bytes", models.IntegerField()),
                (
                    "input_digest",
                    models.TextField(help_text="keyed: the same for the same body, here alone"),
                ),
                (
                    "redacted",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="columns whose values were taken out",
                        null=True,
                        size=None,
                    ),
                ),
                ("input", deployments.log_models.StoredJson(null=True)),
                ("output", deployments.log_models.StoredJson(null=True)),
            ],
            options={
                "verbose_name": "prediction",
                "db_table": "deployments_predictionlog",
                "ordering": ("-id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="PredictionExport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        default=functools.partial(hokusai.core.ids.new_id, *("pex",)),
                        editable=False,
                        help_text="public id",
                        max_length=48,
                        unique=True,
                    ),
                ),
                ("since", models.DateTimeField(help_text="of the first prediction")),
                ("until", models.DateTimeField(help_text="all before this moment")),
                ("digest", models.CharField(blank=True, editable=False, max_length=64)),
                ("size_bytes", models.BigIntegerField(editable=False, null=True)),
                (
                    "events",
                    models.PositiveIntegerField(
                        editable=False, help_text="lines of the file", null=True
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exports",
                        to="deployments.deployment",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.job",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", models.F("since"))),
                        name="export_ends_after_it_begins",
                    )
                ],
            },
        ),
    ]
