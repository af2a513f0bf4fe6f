using System.Buffers;
using System.Text;
using Microsoft.Extensions.Primitives;
using Relay.Addresses;
using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// The first bytes of connections, for one loop: PROXY header, request head, and which road they take. A well-formed
/// request of a client for a WebSocket stays; everything else goes to Kestrel with its bytes unread, so whatever is wrong
/// with a request is found and answered in one place.
/// </summary>
internal sealed class EngineHandshakes(ProxyHeaderGate proxyHeaders, ClientEntrance entrance, TimeProvider time)
{
    private readonly RequestHead _head = new();
    private readonly EngineAnswers _answers = new();
    private readonly byte[] _bytes = new byte[RequestHead.MaxBytes];
    private HeaderLookup? _headers;
    private Func<string>? _query;
    private int _length;

    /// <summary>Something came, or the peer has finished sending (<paramref name="isLast"/>).</summary>
    public void Continue(EngineConnection connection, bool isLast)
    {
        if (TryLook(connection, isLast) && (connection.IsPastProxyHeader || TryPassProxyHeader(connection, isLast)))
        {
            ReadHead(connection, isLast);
        }
    }

    /// <summary>The connection has ended before its first bytes were whole.</summary>
    public void OnEnded(EngineConnection connection) =>
        proxyHeaders.Pass(connection, connection.Key, ProxyHeaderGate.Ended(connection));

    private bool TryLook(EngineConnection connection, bool isLast)
    {
        _length = connection.Look(_bytes);
        if (_length <= 0 && (_length != -Errno.TryAgain || isLast))
        {
            connection.Finish(isReset: false);
        }

        return _length > 0;
    }

    // False: it is not whole, or it was the last thing of this connection.
    private bool TryPassProxyHeader(EngineConnection connection, bool isLast)
    {
        var isExpected = proxyHeaders.IsExpected(connection.ClientAddress, connection.Key);
        var bytes = new ReadOnlySequence<byte>(_bytes, 0, _length);
        var claim = default(ProxyClaim);
        var length = 0;
        var status = isExpected ? ProxyHeader.Read(bytes, out claim, out length) : ProxyHeader.Peek(bytes);
        if (status == ProxyHeaderStatus.Incomplete)
        {
            AwaitMore(connection, isLast);
            return false;
        }

        var outcome = (status, isExpected) switch
        {
            (ProxyHeaderStatus.Complete, true) => ProxyHeaderOutcome.Accepted,
            (ProxyHeaderStatus.Complete, false) => ProxyHeaderOutcome.Unlisted,
            (ProxyHeaderStatus.Absent, false) => ProxyHeaderOutcome.Direct,
            (ProxyHeaderStatus.Absent, true) => ProxyHeaderOutcome.Missing,
            _ => ProxyHeaderOutcome.Malformed,
        };
        connection.Claim = claim;
        connection.IsPastProxyHeader = true;
        if (!proxyHeaders.Pass(connection, connection.Key, outcome))
        {
            connection.CloseSoon();
            connection.Close();
            return false;
        }

        if (length == 0)
        {
            return true;
        }

        connection.Take(_bytes.AsSpan(0, length));
        return TryLook(connection, isLast);
    }

    private void ReadHead(EngineConnection connection, bool isLast)
    {
        var bytes = _bytes.AsSpan(0, _length);
        var status = _head.Parse(bytes);
        if (status == HeadStatus.Incomplete)
        {
            AwaitMore(connection, isLast);
        }
        else if (status == HeadStatus.Complete && ClientRequest.IsOne(_head, bytes, out var key))
        {
            connection.Take(bytes[.._head.Length]);
            Enter(connection, key);
        }
        else
        {
            connection.Listener.HandOver(connection);
        }
    }

    private static void AwaitMore(EngineConnection connection, bool isLast)
    {
        if (isLast)
        {
            connection.Finish(isReset: false);
        }
    }

    private void Enter(EngineConnection connection, ReadOnlySpan<byte> key)
    {
        connection.HasRequested = true;

        // A list of subprotocols is checked where Kestrel's is. Most clients have none.
        var isWellFormed = _head.CountOf(_bytes.AsSpan(0, _length), "sec-websocket-protocol"u8) == 0;
        var request = new UpgradeRequest(
            "GET", _headers ??= Header, connection.Key, connection.Claim, connection.ClientAddress, _query ??= Query, IsUpgrade: true, isWellFormed);
        var outcome = entrance(request, connection);
        var subprotocol = isWellFormed || outcome.Refused is not null ? null : request.Subprotocol;
        if (outcome.Pending is { } pending)
        {
            Await(connection, pending, key.ToArray(), subprotocol);
        }
        else
        {
            Finish(connection, outcome, key, subprotocol, isMore: _length > _head.Length);
        }
    }

    // The loop goes on with others, and comes back to this one when there is an answer.
    private void Await(EngineConnection connection, PendingUpgrade pending, byte[] key, string? subprotocol)
    {
        connection.Pause();
        pending.Ready.ContinueWith(
            _ => connection.Loop.Post(connection, () =>
            {
                if (!connection.IsGone)
                {
                    Finish(connection, pending.Decide(), key, subprotocol, isMore: true);
                }
            }),
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default);
    }

    private void Finish(EngineConnection connection, UpgradeOutcome outcome, ReadOnlySpan<byte> key, string? subprotocol, bool isMore)
    {
        if (outcome.Refused is { } answer)
        {
            connection.Answer(_answers.Refuse(answer, time.GetUtcNow()));
        }
        else
        {
            connection.Open(outcome.Accepted!, _answers.Upgrade(key, subprotocol), isMore);
        }
    }

    private string Query()
    {
        var target = _head.Target(_bytes.AsSpan(0, _length));
        return target.IndexOf((byte)'?') is >= 0 and var at ? Encoding.Latin1.GetString(target[at..]) : "";
    }

    private StringValues Header(string name) => _head.Header(_bytes.AsSpan(0, _length), name);
}
