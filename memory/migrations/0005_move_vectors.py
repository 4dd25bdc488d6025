# Each passage's vector becomes a row of its own, so that those of another model can lie beside it.

from django.db import migrations

MOVE = """
INSERT INTO memory_chunkvector (id, workspace_id, chunk_id, model, embedding)
SELECT gen_random_uuid(), workspace_id, id, model, embedding FROM memory_chunk;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('memory', '0004_vectors'),
    ]

    operations = [
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.RemoveField(
            model_name='chunk',
            name='embedding',
        ),
        migrations.RemoveField(
            model_name='chunk',
            name='model',
        ),
    ]
