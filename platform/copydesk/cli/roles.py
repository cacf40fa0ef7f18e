"""What every long-running role does first: logging as configured, and signals that end it in order."""

from __future__ import annotations

import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml


@contextmanager
def role(name: str) -> Iterator[logging.Logger]:
    """Set up logging from `config/logging.yaml` and give the role its logger."""
    config = Path("config/logging.yaml")
    if config.is_file():
        logging.config.dictConfig(yaml.safe_load(config.read_text()))
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    log = logging.getLogger(f"copydesk.{name}")
    log.info("%s starts", name)
    yield log
    log.info("%s ends", name)
