"""The same promises about each event, held at a fraction of the cost: see ``docs/performance.md``."""

import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


PLACES_OF_MANY = """
CREATE OR REPLACE FUNCTION ledger_refuse_forged_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added WHERE txid IS DISTINCT FROM pg_current_xact_id()::text::bigint
        OR epoch IS DISTINCT FROM (SELECT max(number) FROM ledger_epoch)
    ) THEN
        RAISE EXCEPTION 'An event takes its place in the ledger from the transaction that writes it.'
            USING ERRCODE = 'restrict_violation', HINT = 'Leave txid and epoch to the database.';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER ledger_forged_place ON ledger_event;
CREATE TRIGGER ledger_forged_place AFTER INSERT ON ledger_event REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_forged_place();
"""

PLACE_OF_EACH = """
CREATE OR REPLACE FUNCTION ledger_refuse_forged_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.txid <> pg_current_xact_id()::text::bigint OR NEW.epoch <> (SELECT max(number) FROM ledger_epoch) THEN
        RAISE EXCEPTION 'An event takes its place in the ledger from the transaction that writes it.'
            USING ERRCODE = 'restrict_violation', HINT = 'Leave txid and epoch to the database.';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER ledger_forged_place ON ledger_event;
CREATE TRIGGER ledger_forged_place BEFORE INSERT ON ledger_event
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_forged_place();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='event',
            name='ledger_event_actor_form',
        ),
        migrations.RemoveConstraint(
            model_name='event',
            name='ledger_event_digest_form',
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('actor__regex', '^((user|service|run):[0-9a-f]+(-[0-9a-f]+)+|system:[a-z0-9_.-]+)$'), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('actor'), 67)), name='ledger_event_actor_form'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('digest__regex', '^[0-9a-f]*$'), django.db.models.lookups.Exact(django.db.models.functions.text.Length('digest'), 64)), name='ledger_event_digest_form'),
        ),
        migrations.RunSQL(PLACES_OF_MANY, PLACE_OF_EACH),
    ]
