from hokusai.signers.admin.keys import SigningKeyAdmin

__all__ = ["SigningKeyAdmin"]
