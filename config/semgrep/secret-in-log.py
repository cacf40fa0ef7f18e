import logging

log = logging.getLogger(__name__)


def told(user, password, credentials, token, queue, redis):
    # ruleid: secret-in-log
    log.info("signed in with %s", password)
    # ruleid: secret-in-log
    log.warning("%s sent %s", user, credentials.api_secret)
    # ruleid: secret-in-log
    log.error(f"refused {token}")
    # ruleid: secret-in-log
    print(user.password)
    # ok: secret-in-log
    log.info("user %s signed in", user.id)
    # ok: secret-in-log
    log.info("key %s", credentials.secret_name)


def raised(password, name):
    # ruleid: secret-in-error
    raise ValueError(f"{password} is too short")


def refused(password, name):
    # ok: secret-in-error
    raise ValueError(f"the password of {name} is too short: {len(password)} characters")


def sent(queue, redis, account, api_secret):
    # ruleid: secret-in-job
    queue.enqueue("drain", api_secret)
    # ruleid: secret-in-job
    redis.publish("keys", api_secret)
    # ok: secret-in-job
    queue.enqueue("drain", account.id)
