"""What comes from outside: the environment, or the file `.env` beside `manage.py`."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:63799/0")
DATA_DIR = Path(env.str("HOKUSAI_DATA_DIR", default=str(BASE_DIR / ".hokusai")))
