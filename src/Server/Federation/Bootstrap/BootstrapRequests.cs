using System.Buffers;
using System.Text.Json;
using Relay.Federation.Gossip;
using Relay.Protocol;

namespace Relay.Federation.Bootstrap;

/// <summary>How busy this server is, as a registry shows it.</summary>
internal sealed record BootstrapLoad(long Connections, long RelayConnections, long SignalingConnections, long ActiveCodes);

/// <summary>What is sent to a registry. Safe from any thread.</summary>
internal sealed class BootstrapRequests(LocalServer self, TimeProvider time)
{
    private static readonly JsonWriterOptions Options = new() { Encoder = MinimalJsonEncoder.Instance };

    private long _heartbeats;

    public string ServerId => self.ServerId;

    /// <summary>Path of this server's entry, below the registry's address.</summary>
    public string EntryPath { get; } = $"servers/{Uri.EscapeDataString(self.ServerId)}";

    /// <summary>Body of the registration, in UTF-8.</summary>
    public byte[] Register(BootstrapLoad load) => Write(load, json =>
    {
        json.WriteString("endpoint"u8, self.Endpoint);
        json.WriteString("publicKey"u8, self.PublicKey);
        json.WriteString("region"u8, self.Region.Length > 0 ? self.Region : "unknown");
    });

    /// <summary>Body of a heartbeat, in UTF-8; each has the next number.</summary>
    public byte[] Heartbeat(BootstrapLoad load)
    {
        var number = Interlocked.Increment(ref _heartbeats);
        return Write(load, json => json.WriteNumber("sequenceNumber"u8, number));
    }

    private byte[] Write(BootstrapLoad load, Action<Utf8JsonWriter> writeRest)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("serverId"u8, self.ServerId);
            json.WriteNumber("timestamp"u8, time.GetUtcNow().ToUnixTimeMilliseconds());
            json.WriteString("nonce"u8, Guid.NewGuid().ToString());
            writeRest(json);
            json.WriteNumber("connections"u8, load.Connections);
            json.WriteNumber("relayConnections"u8, load.RelayConnections);
            json.WriteNumber("signalingConnections"u8, load.SignalingConnections);
            json.WriteNumber("activeCodes"u8, load.ActiveCodes);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
