using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Relay.Identity;
using Relay.Protocol;

namespace Server.Tests.Identity;

public sealed class ServerGreetingTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
    private readonly ServerIdentity _identity = new(new byte[32]);
    private readonly ServerGreeting _greeting;

    public ServerGreetingTests() =>
        _greeting = new ServerGreeting(_identity, new IdentityOptions { PublicEndpoint = "wss://a.example", Region = "" }, _time);

    public void Dispose()
    {
        _greeting.Dispose();
        _identity.Dispose();
    }

    [Fact]
    public void Share_ThousandInOneSecond_IsSignedOnce()
    {
        var proofs = Enumerable.Range(0, 1000).Select(number =>
        {
            _time.Advance(TimeSpan.FromMicroseconds(number == 0 ? 0 : 999));
            return Proof();
        }).ToHashSet();
        var proof = Assert.Single(proofs);
        _time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromMicroseconds(999 * 999));
        var next = Proof();

        Assert.NotEqual(proof, next);
        var (first, second) = (Parse(proof), Parse(next));
        Assert.NotEqual(first.Nonce, second.Nonce);
        Assert.Equal((1_700_000_000_000, 1_700_000_001_000), (first.Timestamp, second.Timestamp));
        Assert.All([first, second], message => Assert.True(ServerIdentity.Verify(
            _identity.PublicKey,
            Encoding.UTF8.GetBytes($"relay-identity-v1\n{_identity.ServerId}\n{message.Timestamp}\n{message.Nonce}"),
            Convert.FromBase64String(message.Binding))));
    }

    [Fact]
    public void Share_FromManyThreads_IsTheSameForAll()
    {
        var proofs = Enumerable.Range(0, 1000).AsParallel().Select(_ => Proof()).ToHashSet();

        Assert.Single(proofs);
    }

    [Fact]
    public void Share_AfterTheFirst_AllocatesNothing()
    {
        ShareAndReturn();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            ShareAndReturn();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // An old proof stays good for whoever has not sent it yet.
    [Fact]
    public void Share_OfALastSecond_StaysUntilItIsReturned()
    {
        var (info, proof) = _greeting.Share();
        var text = Encoding.UTF8.GetString(proof.Bytes.Span);
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Proof();
        }

        Assert.Equal(text, Encoding.UTF8.GetString(proof.Bytes.Span));
        Assert.StartsWith("{\"type\":\"server_info\"", Encoding.UTF8.GetString(info.Bytes.Span), StringComparison.Ordinal);
        info.Return();
        proof.Return();
    }

    private static ServerIdentityMessage Parse(string proof) => JsonSerializer.Deserialize(proof, ServerJson.Default.ServerIdentityMessage)!;

    private void ShareAndReturn()
    {
        var (info, proof) = _greeting.Share();
        info.Return();
        proof.Return();
    }

    private string Proof()
    {
        var (info, proof) = _greeting.Share();
        var text = Encoding.UTF8.GetString(proof.Bytes.Span);
        info.Return();
        proof.Return();
        return text;
    }
}
