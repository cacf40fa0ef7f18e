"""What every long-running role does first: logging as configured, and signals that end it in order."""

from __future__ import annotations

import logging.config
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from copydesk.kernel import ConfigError


@contextmanager
def role(name: str) -> Iterator[logging.Logger]:
    """Set up logging from the installation's `config/logging.yaml` and give the role its logger."""
    configure_logging(Path(os.environ.get("COPYDESK_ROOT") or ".") / "config" / "logging.yaml")
    log = logging.getLogger(f"copydesk.{name}")
    log.info("%s starts", name)
    yield log
    log.info("%s ends", name)


def configure_logging(path: Path) -> None:
    """Log as the file says, else everything from INFO on; ConfigError where the file is wrong."""
    if not path.is_file():
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        return
    try:
        logging.config.dictConfig(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, ImportError) as error:
        cause = error.__cause__ or error  # dictConfig's own words name the entry, its cause says what is wrong.
        reason = " ".join(f"{error}: {cause}".split() if cause is not error else str(error).split())
        raise ConfigError(f"{path}: expected a configuration for logging.config.dictConfig, {reason}") from error
