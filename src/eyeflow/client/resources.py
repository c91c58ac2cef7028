"""The endpoints by resource: what `client.tasks`, `client.executions` and the others offer.

Knows: which description is which method. In: descriptions. Out: classes whose methods wait (on `Client`) or are awaited
(on `AsyncClient`). Never: sends.
"""

from __future__ import annotations

from eyeflow.client import describe, household
from eyeflow.client.endpoint import endpoint, listing


class Tasks:
    """Deployed tasks."""

    run = endpoint(describe.run_task)
    list = listing(describe.list_tasks)
    get = endpoint(describe.get_task)
    deploy = endpoint(describe.deploy_task)
    edit = endpoint(describe.propose_change)
    remove = endpoint(describe.remove_task)
    versions = listing(describe.list_versions)
    rollback = endpoint(describe.roll_back)
    pause = endpoint(describe.pause_task)
    resume = endpoint(describe.resume_task)
    pause_all = endpoint(describe.pause_all)
    resume_all = endpoint(describe.resume_all)
    source = endpoint(describe.task_source)
    explain = endpoint(describe.task_explanation)
    bytecode = endpoint(describe.task_bytecode)
    graph = endpoint(describe.task_graph)
    add_alias = endpoint(describe.add_alias)
    remove_alias = endpoint(describe.remove_alias)
    keep_runs = endpoint(describe.keep_runs)


class Executions:
    """Runs."""

    list = listing(describe.list_executions)
    get = endpoint(describe.get_execution)
    timeline = endpoint(describe.execution_timeline)
    cancel = endpoint(describe.cancel_execution)
    retry = endpoint(describe.retry_execution)
    replay = endpoint(describe.replay_execution)
    erase = endpoint(describe.erase_execution)


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

    list = listing(household.list_connectors)
    get = endpoint(household.get_connector)
    add = endpoint(household.add_connector)
    remove = endpoint(household.remove_connector)
    test = endpoint(household.test_connector)
    connect = endpoint(household.connect_connector)


class Catalog:
    """The closed world."""

    list = listing(household.list_services)
    get = endpoint(household.get_service)


class Rules:
    """What tasks decide."""

    list = listing(household.list_rules)
    get = endpoint(household.get_rule)


class Secrets:
    """Secrets: values in, names out."""

    list = listing(household.list_secrets)
    set = endpoint(household.set_secret)
    rotate = endpoint(household.rotate_secret)
    rotate_master = endpoint(household.rotate_master)
    remove = endpoint(household.remove_secret)


class Keys:
    """API keys."""

    list = listing(household.list_keys)
    create = endpoint(household.create_key)
    revoke = endpoint(household.revoke_key)


class ProfileOfMine:
    """Who "me" is."""

    get = endpoint(household.get_profile)
    put = endpoint(household.put_profile)


class Schedules:
    """What starts by the clock."""

    list = listing(household.list_schedules)
    ticks = listing(household.list_ticks)


class Webhooks:
    """What starts from outside."""

    list = listing(household.list_webhooks)
    add = endpoint(household.add_webhook)
    remove = endpoint(household.remove_webhook)
    renew_secret = endpoint(household.renew_webhook_secret)


class Notices:
    """What people were told."""

    list = listing(household.list_notices)


class Settings:
    """Settings of the workspace: who approves, how long runs are kept, who is told."""

    get = endpoint(household.get_settings)
    put = endpoint(household.put_settings)


class Audit:
    """Who did what."""

    list = listing(household.list_audit)
    verify = endpoint(household.verify_audit)
    export = endpoint(household.export_audit)


class Workspace:
    """What belongs to no resource."""

    compile = endpoint(describe.compile_text)
    simulate = endpoint(describe.simulate)
    apply = endpoint(household.apply_folder)
    export = endpoint(household.export_folder)
    backup = endpoint(household.make_backup)
    stats = endpoint(household.get_stats)
