"""Keys, secrets, the audit chain, and the redactor. Everything that must not be seen is sealed or replaced here."""

from eyeflow.secrets.access import Access, current, on_behalf_of
from eyeflow.secrets.audit import AuditChain, Verdict, exported
from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.keys import Keys
from eyeflow.secrets.master import KeySource, MasterKey
from eyeflow.secrets.redact import Redactor
from eyeflow.secrets.runs import RunCipher, RunKey
from eyeflow.secrets.sources import EnvKeys, FileKeys
from eyeflow.secrets.unlocking import Secrets, unlock
from eyeflow.secrets.vault import SecretInfo, SecretValue, Vault

__all__ = [
    "Access",
    "AuditChain",
    "EnvKeys",
    "FileKeys",
    "KeySource",
    "Keys",
    "MasterKey",
    "Redactor",
    "RunCipher",
    "RunKey",
    "SecretError",
    "SecretInfo",
    "SecretValue",
    "Secrets",
    "Vault",
    "Verdict",
    "current",
    "exported",
    "on_behalf_of",
    "unlock",
]
