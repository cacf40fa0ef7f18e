"""The fault suite: many faults on one long-lived desk, judged by an auditor that reads the exchanges' journal only.

`copydesk faults run` is its command, platform/docs/faults.md its reference. Nothing here is part of an installation.
"""
