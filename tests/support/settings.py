"""The variables that lead a function to its database."""

from psycopg.conninfo import conninfo_to_dict

from mentor_pause.config import PooledDatabase

POOLED = {"SUPABASE_DB_URL": "postgresql://job:secret@pooler:6543/postgres"}
REST = {"SUPABASE_URL": "https://p.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}


def no_secret(secret_id: str) -> str:
    """Fail, because no test here may read a secret."""
    raise AssertionError(secret_id)


def driver_reads(found: PooledDatabase) -> dict[str, str]:
    """Return a URL's parts as the driver reads them."""
    return {k: str(v) for k, v in conninfo_to_dict(found.url.get_secret_value()).items()}
