using System.Net.WebSockets;
using System.Threading.Channels;
using Relay.Addresses;
using Relay.AdminAuth;
using Relay.RateLimiting;

namespace Relay.Http;

/// <summary>One page that watches. It has what it does not read in time for a few seconds, then it is dropped.</summary>
internal sealed class AdminFeedSocket(AdminFeedToken token, IpKey address, AdminFeedMessages messages, TimeProvider time)
{
    // Of its requests, which have a dozen bytes.
    private const int MaxRequestBytes = 1024;

    // News of each second, and answers.
    private const int MaxWaiting = 16;

    private const int MaxRequests = 10;
    private static readonly TimeSpan RequestPeriod = TimeSpan.FromSeconds(5);

    // Intervals after which one that does not finish its close is cut.
    private const int MaxClosing = 2;

    private readonly Channel<ReadOnlyMemory<byte>> _waiting = Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    // Receiving side's alone.
    private TokenBucket _requests;

    // Set once, when the greeting waits: resets the connection.
    private volatile Action? _cut;

    // The first to close says why.
    private Tuple<int, string>? _ending;

    // Tick's alone.
    private int _closing;

    public AdminFeedToken Token => token;

    public IpKey Address => address;

    /// <summary>Runs until the socket is over.</summary>
    /// <param name="cut">Resets its connection: what is read and written ends.</param>
    public async Task RunAsync(WebSocket socket, IEnumerable<ReadOnlyMemory<byte>> greeting, Action cut)
    {
        foreach (var message in greeting)
        {
            Send(message);
        }

        _cut = cut;
        var (sending, receiving) = (SendAllAsync(socket, cut), ReceiveAllAsync(socket, cut));
        await Task.WhenAny(sending, receiving);
        Close((int)WebSocketCloseStatus.NormalClosure, "");
        await sending;

        // When the relay stops nobody ticks any more: the page's own close is not waited for.
        if (Volatile.Read(ref _ending) is not { Item1: (int)WebSocketCloseStatus.EndpointUnavailable })
        {
            await receiving;
        }
    }

    /// <summary>What an operation on a socket throws whose other end, or our own, has gone.</summary>
    public static bool IsGone(Exception exception) => exception is WebSocketException or IOException or OperationCanceledException or InvalidOperationException;

    /// <summary>Begins to close: what waits goes out first. Does not wait.</summary>
    public void Close(int code, string reason)
    {
        Interlocked.CompareExchange(ref _ending, Tuple.Create(code, reason), null);
        _waiting.Writer.TryComplete();
    }

    /// <summary>Sends the news; cuts what does not finish its close, or does not read.</summary>
    public void Tick(IEnumerable<ReadOnlyMemory<byte>> news)
    {
        if (Volatile.Read(ref _ending) is not null)
        {
            if (++_closing > MaxClosing)
            {
                _cut?.Invoke();
            }

            return;
        }

        // The greeting comes first.
        if (_cut is not null)
        {
            foreach (var message in news)
            {
                Send(message);
            }
        }
    }

    private void Send(ReadOnlyMemory<byte> message)
    {
        if (!_waiting.Writer.TryWrite(message) && Volatile.Read(ref _ending) is null)
        {
            _cut?.Invoke();
        }
    }

    private async Task SendAllAsync(WebSocket socket, Action cut)
    {
        try
        {
            await foreach (var message in _waiting.Reader.ReadAllAsync())
            {
                await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            }

            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                var (code, reason) = Volatile.Read(ref _ending)!;
                await socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, CancellationToken.None);
            }
        }
        catch (Exception exception) when (IsGone(exception))
        {
            cut();
        }
    }

    private async Task ReceiveAllAsync(WebSocket socket, Action cut)
    {
        var buffer = new byte[MaxRequestBytes];
        try
        {
            for (var used = 0; ;)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(used), CancellationToken.None);
                used += received.Count;
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                if (received.EndOfMessage)
                {
                    Answer(buffer.AsSpan(0, used));
                    used = 0;
                }
                else if (used == buffer.Length)
                {
                    // What follows is read and thrown away, until it is closed or cut.
                    Close((int)WebSocketCloseStatus.MessageTooBig, "");
                    used = 0;
                }
            }
        }
        catch (Exception exception) when (IsGone(exception))
        {
            cut();
        }
    }

    private void Answer(ReadOnlySpan<byte> request)
    {
        if (Volatile.Read(ref _ending) is null && messages.AnswerTo(request) is { } answer && _requests.TryTake(1, MaxRequests, RequestPeriod, time))
        {
            Send(answer);
        }
    }
}
