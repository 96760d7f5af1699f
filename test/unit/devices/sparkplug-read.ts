import protobuf from 'protobufjs';

/** A third opinion on the bytes: field numbers of Sparkplug 3.0, section 6.4, read by a general protobuf library. */
const SCHEMA = `syntax = "proto2";
message Property { optional uint32 type = 1; optional uint32 int = 3; optional string text = 8; }
message Properties { repeated string keys = 1; repeated Property values = 2; }
message Template { repeated Metric metrics = 2; optional string ref = 4; optional bool isDefinition = 5; }
message Metric {
  optional string name = 1; optional uint64 alias = 2; optional uint64 timestamp = 3; optional uint32 datatype = 4;
  optional bool historical = 5; optional bool isNull = 7; optional Properties properties = 9;
  optional uint32 int = 10; optional uint64 long = 11; optional double double = 13; optional bool boolean = 14; optional string text = 15;
  optional Template template = 18;
}
message Payload { optional uint64 timestamp = 1; repeated Metric metrics = 2; optional uint64 seq = 3; }`;
const Payload = protobuf.parse(SCHEMA).root.lookupType('Payload');

export interface Read {
  readonly timestamp: string;
  readonly seq?: string;
  readonly metrics: readonly Record<string, unknown>[];
}

export function read(payload: Buffer): Read {
  const found = Payload.toObject(Payload.decode(payload), { longs: String }) as Read;
  return { ...found, metrics: found.metrics ?? [] };
}
