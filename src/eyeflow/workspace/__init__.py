"""The operations of one workspace: what people and programs may do to tasks, proposals, accounts, keys, settings.

Knows: the rules of each operation, who may do it, what is written in one unit. In: a `Principal` and typed requests.
Out: typed views, or a `WorkspaceError` with a stable code. Never: speaks HTTP, parses command lines, runs programs.

Here the compiler meets the engine: requests are compiled in the workspace's own context, proposed, approved, sealed
with the approver's name and deployed as one unit of the store; then the engine is told that something changed.

    permissions.py   who may do what: one table
    workspace.py     the façade that composes the parts
"""
