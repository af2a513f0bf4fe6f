using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Relay.EndToEnd.Support;

/// <summary>The socket at which systemd listens for what a service says of itself, and all that was said, in its order.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly ConcurrentQueue<string> _received = new();

    public NotifySocket(string folder)
    {
        Path = System.IO.Path.Combine(folder, "notify.sock");
        _socket.Bind(new UnixDomainSocketEndPoint(Path));
        new Thread(Read) { IsBackground = true }.Start();
    }

    public string Path { get; }

    public IReadOnlyList<string> Received => [.. _received];

    /// <summary>What a process is started with to be heard here.</summary>
    public Dictionary<string, string> Variables => new() { ["NOTIFY_SOCKET"] = Path };

    public Task ReceivedAsync(string line) => Eventually.TrueAsync(() => _received.Contains(line), line);

    public void Dispose() => _socket.Dispose();

    private void Read()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                _received.Enqueue(Encoding.UTF8.GetString(buffer.AsSpan(0, _socket.Receive(buffer))));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
