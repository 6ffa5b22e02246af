// Makes ../golden_eip712.json with ethers alone: node vectors.cjs > ../golden_eip712.json
const { TypedDataEncoder, Wallet, id, version } = require("ethers");

const CONTRIBUTOR = [
  { name: "account", type: "address" },
  { name: "weightBps", type: "uint16" },
];
const IMPROVEMENT = [
  ..."attestationId modelId baselineDigest candidateDigest benchmarkDigest metric"
    .split(" ")
    .map((name) => ({ name, type: "bytes32" })),
  ..."baselineScore candidateScore delta".split(" ").map((name) => ({ name, type: "int64" })),
  ..."scale sampleCount".split(" ").map((name) => ({ name, type: "uint64" })),
  { name: "contributors", type: "Contributor[]" },
  ..."issuedAt deadline".split(" ").map((name) => ({ name, type: "uint64" })),
];
const DOMAIN_TYPES = {
  name: "string",
  version: "string",
  chainId: "uint256",
  verifyingContract: "address",
  salt: "bytes32",
};
const BASE = {
  attestationId: id("attestation"),
  modelId: id("hokusai://models/vision.digits"),
  baselineDigest: id("baseline"),
  candidateDigest: id("candidate"),
  benchmarkDigest: id("benchmark"),
  metric: id("accuracy"),
  baselineScore: 871250,
  candidateScore: 889500,
  delta: 18250,
  scale: 1000000,
  sampleCount: 4000,
  issuedAt: 1795000000,
  deadline: 1797592000,
};

const accounts = (count) =>
  Array.from({ length: count }, (_, index) => new Wallet(id(`contributor ${index}`)).address).sort(
    (a, b) => (BigInt(a) < BigInt(b) ? -1 : 1),
  );
const equal = (count) =>
  accounts(count).map((account, index) => ({
    account,
    weightBps: Math.floor(10000 / count) + (index < 10000 % count ? 1 : 0),
  }));

const CASES = [
  {
    name: "a contract, one contributor",
    domain: { chainId: 1, verifyingContract: new Wallet(id("contract")).address },
    message: { ...BASE, contributors: equal(1) },
  },
  {
    name: "no contract but a salt, three contributors, a metric below zero",
    domain: { chainId: 1, salt: id("instance and environment") },
    message: { ...BASE, baselineScore: -250000, candidateScore: -231750, contributors: equal(3) },
  },
  {
    name: "a contract on another chain, a hundred contributors, the largest numbers",
    domain: { chainId: 11155111, verifyingContract: new Wallet(id("contract")).address },
    message: { ...BASE, sampleCount: 9007199254740991, contributors: equal(100) },
  },
];

const made = async ({ name, domain, message }) => {
  const wallet = new Wallet(id(`signer of ${name}`));
  const whole = { name: "Hokusai", version: "1", ...domain };
  const types = { ModelImprovement: IMPROVEMENT, Contributor: CONTRIBUTOR };
  return {
    name,
    signer: wallet.address,
    digest: TypedDataEncoder.hash(whole, types, message),
    signature: await wallet.signTypedData(whole, types, message),
    typed_data: {
      types: {
        EIP712Domain: Object.keys(whole).map((key) => ({ name: key, type: DOMAIN_TYPES[key] })),
        ...types,
      },
      primaryType: "ModelImprovement",
      domain: whole,
      message,
    },
  };
};

Promise.all(CASES.map(made)).then((vectors) => {
  const origin = `ethers ${version}, tests/hokusai/signers/ethers/vectors.cjs`;
  const lines = vectors.map((vector) => JSON.stringify(vector)).join(",\n");
  process.stdout.write(`{"origin": "${origin}", "vectors": [\n${lines}\n]}\n`);
});
