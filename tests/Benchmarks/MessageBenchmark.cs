using System.Text;
using BenchmarkDotNet.Attributes;
using Relay.Protocol;

namespace Relay.Benchmarks;

/// <summary>What does one message cost between its last byte read and its forwarded bytes ready? The message is an offer with a session description of 2 KB.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class MessageBenchmark
{
    private readonly byte[] _offer = Encoding.UTF8.GetBytes(
        $$$"""{"type":"offer","target":"ABCDEF","payload":{"type":"offer","sdp":"{{{string.Concat(Enumerable.Repeat("a=candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host\\r\\n", 34))}}}"}}""");

    private readonly byte[] _ping = "{\"type\":\"ping\"}"u8.ToArray();

    /// <summary>Index the bytes, find the type, check the fields.</summary>
    [Benchmark]
    public int PeekPing() => Peek(_ping);

    [Benchmark]
    public int PeekOffer() => Peek(_offer);

    [Benchmark]
    public int ForwardOffer()
    {
        if (!ClientMessage.TryParse(_offer, ClientMessages.Fields, out var message))
        {
            throw new InvalidOperationException("the benchmark's message is broken");
        }

        using (message)
        {
            ClientMessages.Check(message, out _);
            var forwarded = MessageWriter.Forward("offer", message.Text("target")!, message.Raw("payload"), 0);
            forwarded.Return();
            return forwarded.Length;
        }
    }

    private static int Peek(byte[] bytes)
    {
        if (!ClientMessage.TryParse(bytes, ClientMessages.Fields, out var message))
        {
            throw new InvalidOperationException("the benchmark's message is broken");
        }

        using (message)
        {
            ClientMessages.Check(message, out var definition);
            return definition.Fields.Count;
        }
    }
}
