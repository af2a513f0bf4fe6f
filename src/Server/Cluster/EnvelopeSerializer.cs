using System.Buffers;
using Google.Protobuf;
using NATS.Client.Core;
using Relay.Cluster.V1;

namespace Relay.Cluster;

/// <summary>Writes messages where NATS' library wants them, without a copy between.</summary>
internal sealed class EnvelopeSerializer : INatsSerialize<Envelope>
{
    public static readonly EnvelopeSerializer Instance = new();

    public void Serialize(IBufferWriter<byte> bufferWriter, Envelope value) => value.WriteTo(bufferWriter);
}
