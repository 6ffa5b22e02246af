# pragma version 0.4.3
# @title Accepts improvements that Hokusai signed, each once
# @notice The EIP-712 domain is "Hokusai", version "1", this chain and this contract. The digest of
#         the whole statement is attestationId; docs/attestation.md says how the two belong together.

struct Contributor:
    account: address
    weightBps: uint16

struct ModelImprovement:
    attestationId: bytes32
    modelId: bytes32
    baselineDigest: bytes32
    candidateDigest: bytes32
    benchmarkDigest: bytes32
    metric: bytes32
    baselineScore: int64
    candidateScore: int64
    delta: int64
    scale: uint64
    sampleCount: uint64
    contributors: DynArray[Contributor, 100]
    issuedAt: uint64
    deadline: uint64

event Accepted:
    attestationId: indexed(bytes32)
    modelId: indexed(bytes32)
    delta: int64

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
CONTRIBUTOR_TYPE: constant(bytes32) = keccak256("Contributor(address account,uint16 weightBps)")
IMPROVEMENT_TYPE: constant(bytes32) = keccak256(
    "ModelImprovement(bytes32 attestationId,bytes32 modelId,bytes32 baselineDigest,bytes32 candidateDigest,bytes32 benchmarkDigest,bytes32 metric,int64 baselineScore,int64 candidateScore,int64 delta,uint64 scale,uint64 sampleCount,Contributor[] contributors,uint64 issuedAt,uint64 deadline)Contributor(address account,uint16 weightBps)"
)
WHOLE_BPS: constant(uint256) = 10_000
# Half the order of secp256k1: above it lies a second spelling of each signature (EIP-2).
HALF_ORDER: constant(uint256) = (
    57896044618658097711785492504343953926418782139537452191302581570759080747168
)

SIGNER: public(immutable(address))
DOMAIN: public(immutable(bytes32))
accepted: public(HashMap[bytes32, bool])


@deploy
def __init__(signer: address):
    assert signer != empty(address), "no signer"
    SIGNER = signer
    DOMAIN = keccak256(
        abi_encode(DOMAIN_TYPE, keccak256("Hokusai"), keccak256("1"), chain.id, self)
    )


@external
def accept(improvement: ModelImprovement, r: uint256, s: uint256, v: uint8):
    """
    @notice Keep an improvement, once, if SIGNER signed it for this contract and it still counts.
    """
    assert block.timestamp < convert(improvement.deadline, uint256), "expired"
    assert not self.accepted[improvement.attestationId], "accepted before"
    assert improvement.delta > 0, "no gain"
    self._check(improvement.contributors)
    assert v == 27 or v == 28, "v is neither 27 nor 28"
    assert s <= HALF_ORDER, "s is high"
    found: address = ecrecover(self._digest(improvement), convert(v, uint256), r, s)
    assert found == SIGNER, "another signer"
    self.accepted[improvement.attestationId] = True
    log Accepted(
        attestationId=improvement.attestationId,
        modelId=improvement.modelId,
        delta=improvement.delta,
    )


@external
@view
def digest(improvement: ModelImprovement) -> bytes32:
    """
    @notice What is signed.
    """
    return self._digest(improvement)


@internal
@pure
def _check(contributors: DynArray[Contributor, 100]):
    total: uint256 = 0
    before: uint256 = 0
    for entry: Contributor in contributors:
        number: uint256 = convert(entry.account, uint256)
        assert number > before, "order"
        before = number
        total += convert(entry.weightBps, uint256)
    assert total == WHOLE_BPS, "weights"


@internal
@view
def _digest(improvement: ModelImprovement) -> bytes32:
    hashes: DynArray[bytes32, 100] = []
    for entry: Contributor in improvement.contributors:
        hashes.append(keccak256(abi_encode(CONTRIBUTOR_TYPE, entry.account, entry.weightBps)))
    # The ABI puts offset and length before the words; EIP-712 hashes the words alone.
    words: Bytes[3264] = abi_encode(hashes)
    contributors: bytes32 = keccak256(slice(words, 64, 32 * len(hashes)))
    whole: bytes32 = keccak256(
        abi_encode(
            IMPROVEMENT_TYPE,
            improvement.attestationId,
            improvement.modelId,
            improvement.baselineDigest,
            improvement.candidateDigest,
            improvement.benchmarkDigest,
            improvement.metric,
            improvement.baselineScore,
            improvement.candidateScore,
            improvement.delta,
            improvement.scale,
            improvement.sampleCount,
            contributors,
            improvement.issuedAt,
            improvement.deadline,
        )
    )
    return keccak256(concat(b"\x19\x01", DOMAIN, whole))
