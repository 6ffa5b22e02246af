// Recovers who signed: [{typed_data, signature}, …] on stdin -> [{digest, signer}, …] on stdout.
const { TypedDataEncoder, verifyTypedData } = require("ethers");

const read = ({ typed_data: { domain, types, message }, signature }) => {
  const { EIP712Domain, ...own } = types;
  return {
    digest: TypedDataEncoder.hash(domain, own, message),
    signer: verifyTypedData(domain, own, message, signature),
  };
};

const text = require("fs").readFileSync(0, "utf-8");
process.stdout.write(JSON.stringify(JSON.parse(text).map(read)));
