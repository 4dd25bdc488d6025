"""The ledger's tables, and the triggers that only ever let rows be added."""

import audit.ledger.models
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

FUNCTIONS = """
CREATE SEQUENCE ledger_event_sequence AS bigint;

CREATE FUNCTION ledger_current_epoch() RETURNS integer LANGUAGE plpgsql STABLE AS $$
DECLARE
    latest ledger_epoch%ROWTYPE;
BEGIN
    SELECT * INTO latest FROM ledger_epoch ORDER BY number DESC LIMIT 1;
    IF latest.cluster IS DISTINCT FROM (SELECT system_identifier FROM pg_control_system()) THEN
        RAISE EXCEPTION 'The ledger was restored into another database cluster, where transaction ids start again.'
            USING ERRCODE = 'CSE01', HINT = 'Run "manage.py seal_ledger --begin-epoch" once, then start again.';
    END IF;
    RETURN latest.number;
END $$;
"""

DROP_FUNCTIONS = """
DROP SEQUENCE ledger_event_sequence;
DROP FUNCTION ledger_current_epoch();
"""

GUARDS = """
INSERT INTO ledger_epoch (number, cluster) SELECT 1, system_identifier FROM pg_control_system();

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The ledger is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Record a further event that corrects the earlier one.';
END $$;

CREATE FUNCTION ledger_refuse_forged_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.txid <> pg_current_xact_id()::text::bigint OR NEW.epoch <> (SELECT max(number) FROM ledger_epoch) THEN
        RAISE EXCEPTION 'An event takes its place in the ledger from the transaction that writes it.'
            USING ERRCODE = 'restrict_violation', HINT = 'Leave txid and epoch to the database.';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_forged_place BEFORE INSERT ON ledger_event
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_forged_place();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_event
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_seal
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_epoch
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_epoch
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
"""

DROP_GUARDS = """
DROP FUNCTION ledger_refuse_change() CASCADE;
DROP FUNCTION ledger_refuse_forged_place() CASCADE;
"""


def restrict_application_role(apps, schema_editor):
    """Leave the application's role the rights to read and append, where it exists and owns nothing here."""
    role = getattr(settings, "LEDGER_APPLICATION_ROLE", "countersign")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_user::text = %s, EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role, role])
        is_owner, exists = cursor.fetchone()
        if is_owner or not exists:
            return
        name = schema_editor.quote_name(role)
        for table in ("ledger_event", "ledger_seal", "ledger_epoch"):
            cursor.execute(f"REVOKE ALL ON {table} FROM {name}")
            cursor.execute(f"GRANT SELECT ON {table} TO {name}")
        for table in ("ledger_event", "ledger_seal"):
            cursor.execute(f"GRANT INSERT ON {table} TO {name}")
        cursor.execute(f"GRANT USAGE ON SEQUENCE ledger_event_sequence TO {name}")



class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Epoch',
            fields=[
                ('number', models.IntegerField(editable=False, primary_key=True, serialize=False)),
                ('cluster', models.BigIntegerField(editable=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
        ),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.UUIDField(default=audit.ledger.models.new_id, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('epoch', models.IntegerField(db_default=models.Func(output_field=models.IntegerField(), template='ledger_current_epoch()'), editable=False)),
                ('txid', models.BigIntegerField(db_default=models.Func(output_field=models.BigIntegerField(), template='pg_current_xact_id()::text::bigint'), editable=False)),
                ('sequence', models.BigIntegerField(db_default=models.Func(output_field=models.BigIntegerField(), template="nextval('ledger_event_sequence')"), editable=False, unique=True)),
                ('at', models.DateTimeField(editable=False)),
                ('actor', models.TextField(editable=False)),
                ('verb', models.TextField(editable=False)),
                ('subject_type', models.TextField(editable=False)),
                ('subject_id', models.TextField(editable=False)),
                ('body', models.JSONField(editable=False)),
                ('digest', models.CharField(editable=False, max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['workspace_id', 'subject_type', 'subject_id'], name='ledger_event_subject'), models.Index(fields=['workspace_id', 'epoch', 'txid', 'sequence'], name='ledger_event_place')],
                'constraints': [models.CheckConstraint(condition=models.Q(('actor__regex', '^((user|service|run):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|system:[a-z0-9_.-]{1,60})$')), name='ledger_event_actor_form'), models.CheckConstraint(condition=models.Q(('verb__regex', '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$')), name='ledger_event_verb_form'), models.CheckConstraint(condition=models.Q(('digest__regex', '^[0-9a-f]{64}$')), name='ledger_event_digest_form')],
            },
        ),
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('id', models.UUIDField(default=audit.ledger.models.new_id, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('number', models.PositiveIntegerField(editable=False)),
                ('epoch', models.IntegerField(editable=False)),
                ('first_txid', models.BigIntegerField(editable=False)),
                ('first_sequence', models.BigIntegerField(editable=False)),
                ('last_txid', models.BigIntegerField(editable=False)),
                ('last_sequence', models.BigIntegerField(editable=False)),
                ('event_count', models.PositiveIntegerField(editable=False)),
                ('merkle_root', models.CharField(editable=False, max_length=64)),
                ('previous', models.CharField(editable=False, max_length=64)),
                ('at', models.DateTimeField(editable=False)),
                ('key_id', models.CharField(editable=False, max_length=16)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('signature', models.TextField(editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace_id', 'number'), name='ledger_seal_number'), models.CheckConstraint(condition=models.Q(('event_count__gte', 1)), name='ledger_seal_not_empty')],
            },
        ),
        migrations.RunSQL(GUARDS, DROP_GUARDS),
        migrations.RunPython(restrict_application_role, migrations.RunPython.noop),
    ]
