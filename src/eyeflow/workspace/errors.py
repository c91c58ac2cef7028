"""Why an operation of the workspace did not happen.

    WorkspaceError
    ├── Forbidden   the principal may not: `forbidden`, `self_approval`
    ├── Missing     there is no such thing, or not for this principal: `unknown_task`, `unknown_version`,
    │               `unknown_proposal`, `unknown_connection`, `unknown_api_key`, `unknown_rule`, `unknown_service`
    ├── Clash       it is not in the state this needs: `name_taken`, `not_open`, `superseded`, `digest_mismatch`,
    │               `in_use`, `outdated`, `changed_meanwhile`, `not_empty`
    ├── Invalid     the request cannot be served as it is: `bad_name`, `bad_request`, `too_large`, `not_a_program`,
    │               `connect`, `bad_setting`, `bad_folder`, `bad_backup`, `bad_state`, `no_oauth`, `needs_public_url`
    └── NotNow      it could not be done now: `compile_timeout`, `compile_busy`, `compile_failed`,
                    `too_many_sign_ins`

Knows: names and fields of errors. In: nothing. Out: exceptions. Never: an exception for a bug.
"""

from __future__ import annotations

from eyeflow.diagnostics import EMPTY, Report
from eyeflow.errors import EyeFlowError


class WorkspaceError(EyeFlowError):
    """Nothing was changed."""


class Forbidden(WorkspaceError):  # noqa: N818 - named as what it says
    """The principal may not do this."""


class Missing(WorkspaceError):  # noqa: N818
    """There is nothing of that name that the principal may see."""


class Clash(WorkspaceError):  # noqa: N818
    """Something is in the way: somebody was first, or the state is another one."""


class Invalid(WorkspaceError):  # noqa: N818
    """The request is not as it must be; `report` has every finding."""

    def __init__(self, code: str, message: str, *, hint: str = "", report: Report = EMPTY) -> None:
        super().__init__(code, message, hint=hint)
        self.report = report


class NotNow(WorkspaceError):  # noqa: N818
    """It may work later."""
