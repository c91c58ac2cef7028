"""The endpoints by resource: what `client.tasks`, `client.executions` and the others offer.

Knows: which description is which method. In: descriptions. Out: classes whose methods wait (on `Client`) or are awaited
(on `AsyncClient`). Never: sends.
"""

from __future__ import annotations

from eyeflow.client import describe
from eyeflow.client.endpoint import endpoint, listing


class Tasks:
    """Deployed tasks."""

    run = endpoint(describe.run_task)
    list = listing(describe.list_tasks)
    get = endpoint(describe.get_task)
    deploy = endpoint(describe.deploy_task)
    remove = endpoint(describe.remove_task)
    versions = listing(describe.list_versions)
    rollback = endpoint(describe.roll_back)
    pause = endpoint(describe.pause_task)
    resume = endpoint(describe.resume_task)
    pause_all = endpoint(describe.pause_all)
    resume_all = endpoint(describe.resume_all)
    source = endpoint(describe.task_source)
    explain = endpoint(describe.task_explanation)


class Executions:
    """Runs."""

    list = listing(describe.list_executions)
    get = endpoint(describe.get_execution)
    timeline = endpoint(describe.execution_timeline)
    cancel = endpoint(describe.cancel_execution)
    retry = endpoint(describe.retry_execution)
    replay = endpoint(describe.replay_execution)


class Proposals:
    """Programs that wait to be approved."""

    create = endpoint(describe.propose)
    list = listing(describe.list_proposals)
    get = endpoint(describe.get_proposal)
    approve = endpoint(describe.approve)
    reject = endpoint(describe.reject)


class Approvals:
    """Questions that runs wait on."""

    list = listing(describe.list_approvals)
    decide = endpoint(describe.decide)


class Connectors:
    """Accounts."""

    list = listing(describe.list_connectors)
    get = endpoint(describe.get_connector)
    add = endpoint(describe.add_connector)
    remove = endpoint(describe.remove_connector)
    test = endpoint(describe.test_connector)
    connect = endpoint(describe.connect_connector)


class Catalog:
    """The closed world."""

    list = listing(describe.list_services)
    get = endpoint(describe.get_service)


class Rules:
    """What tasks decide."""

    list = listing(describe.list_rules)
    get = endpoint(describe.get_rule)


class Secrets:
    """Secrets: values in, names out."""

    list = listing(describe.list_secrets)
    set = endpoint(describe.set_secret)
    remove = endpoint(describe.remove_secret)


class Keys:
    """API keys."""

    list = listing(describe.list_keys)
    create = endpoint(describe.create_key)
    revoke = endpoint(describe.revoke_key)


class ProfileOfMine:
    """Who "me" is."""

    get = endpoint(describe.get_profile)
    put = endpoint(describe.put_profile)


class Schedules:
    """What starts by the clock."""

    list = listing(describe.list_schedules)


class Webhooks:
    """What starts from outside."""

    list = listing(describe.list_webhooks)
    renew_secret = endpoint(describe.renew_webhook_secret)


class Audit:
    """Who did what."""

    list = listing(describe.list_audit)
    verify = endpoint(describe.verify_audit)
    export = endpoint(describe.export_audit)


class Workspace:
    """What belongs to no resource."""

    compile = endpoint(describe.compile_text)
    simulate = endpoint(describe.simulate)
    apply = endpoint(describe.apply_folder)
    export = endpoint(describe.export_folder)
    backup = endpoint(describe.make_backup)
    stats = endpoint(describe.get_stats)
