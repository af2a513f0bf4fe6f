using System.Buffers;
using System.Text;
using System.Text.Json;
using Relay.Identity;
using Relay.Protocol;

namespace Relay.Federation.Gossip;

/// <summary>Writes gossip messages and signs them: what is signed is the message without its signature, byte for byte. Safe from any thread.</summary>
internal sealed class GossipWriter(ServerIdentity identity, TimeProvider time)
{
    private static readonly JsonWriterOptions Options = new() { Encoder = MinimalJsonEncoder.Instance };

    private long _sequence;

    /// <summary>The message as it is sent, in UTF-8. Each has the next number, also when it is sent to several.</summary>
    public byte[] Write(SendGossip message) => Write(message, Interlocked.Increment(ref _sequence), time.GetUtcNow().ToUnixTimeMilliseconds());

    internal byte[] Write(SendGossip message, long sequence, long timestamp)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "gossip"u8);
            json.WriteString("subtype"u8, message.Body.Subtype);
            json.WriteString("senderId"u8, identity.ServerId);
            json.WriteNumber("sequenceNumber"u8, sequence);
            json.WriteNumber("timestamp"u8, timestamp);
            json.WriteStartObject("payload"u8);
            WritePayload(json, message.Body);
            json.WriteEndObject();
            json.WriteStartArray("piggyback"u8);
            foreach (var mention in message.Mentions)
            {
                json.WriteStartObject();
                json.WriteString("serverId"u8, mention.ServerId);
                json.WriteString("status"u8, mention.Status.Name());
                json.WriteNumber("incarnation"u8, mention.Incarnation);
                json.WriteString("endpoint"u8, mention.Endpoint);
                json.WriteString("nodeId"u8, mention.NodeId);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        var signature = Convert.ToBase64String(identity.Sign(buffer.WrittenSpan));
        return [.. buffer.WrittenSpan[..^1], .. Encoding.ASCII.GetBytes($",\"signature\":\"{signature}\"}}")];
    }

    private static void WritePayload(Utf8JsonWriter json, GossipBody body)
    {
        switch (body)
        {
            case PingAck ack:
                json.WriteNumber("incarnation"u8, ack.Incarnation);
                if (ack.Target is not null)
                {
                    json.WriteString("targetServerId"u8, ack.Target);
                }

                break;
            case PingRequest request:
                json.WriteString("targetServerId"u8, request.Target);
                if (request.Report)
                {
                    json.WriteBoolean("report"u8, true);
                }

                break;
            case Join join:
                json.WriteString("serverId"u8, join.ServerId);
                json.WriteString("nodeId"u8, join.NodeId);
                json.WriteString("endpoint"u8, join.Endpoint);
                json.WriteString("publicKey"u8, join.PublicKey);
                WriteMetadata(json, join.Region);
                break;
            case Leave leave:
                json.WriteString("serverId"u8, leave.ServerId);
                break;
            case Suspicion suspicion:
                json.WriteString("serverId"u8, suspicion.ServerId);
                json.WriteNumber("incarnation"u8, suspicion.Incarnation);
                break;
            case Confirmation confirmation:
                json.WriteString("serverId"u8, confirmation.ServerId);
                break;
            case StateSync sync:
                json.WriteStartArray("members"u8);
                foreach (var member in sync.Members)
                {
                    WriteMember(json, member);
                }

                json.WriteEndArray();
                break;
        }
    }

    private static void WriteMember(Utf8JsonWriter json, MemberRecord member)
    {
        json.WriteStartObject();
        json.WriteString("serverId"u8, member.ServerId);
        json.WriteString("nodeId"u8, member.NodeId);
        json.WriteString("endpoint"u8, member.Endpoint);
        json.WriteString("publicKey"u8, member.PublicKey);
        json.WriteString("status"u8, member.Status.Name());
        json.WriteNumber("incarnation"u8, member.Incarnation);
        json.WriteNumber("lastSeen"u8, member.LastSeen);
        WriteMetadata(json, member.Region);
        json.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter json, string region)
    {
        json.WriteStartObject("metadata"u8);
        if (region.Length > 0)
        {
            json.WriteString("region"u8, region);
        }

        json.WriteEndObject();
    }
}
