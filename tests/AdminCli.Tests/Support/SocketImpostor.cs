using System.Net.Sockets;

namespace AdminCli.Tests.Support;

/// <summary>Listens on a Unix socket as a relay would, and then does something else.</summary>
internal sealed class SocketImpostor : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _accepted = [];
    private readonly TaskCompletionSource _firstAccepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[]? _greeting;

    /// <summary>The greeting is sent to whoever connects, before it is hung up on; null: nothing is ever said.</summary>
    public SocketImpostor(string path, byte[]? greeting)
    {
        _greeting = greeting;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _ = AcceptAsync();
    }

    /// <summary>When somebody has connected.</summary>
    public Task AcceptedAsync() => _firstAccepted.Task;

    public void Dispose()
    {
        _listener.Dispose();
        lock (_accepted)
        {
            _accepted.ForEach(socket => socket.Dispose());
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(TestContext.Current.CancellationToken);
                lock (_accepted)
                {
                    _accepted.Add(socket);
                }

                _firstAccepted.TrySetResult();
                if (_greeting is not null)
                {
                    await socket.SendAsync(_greeting, TestContext.Current.CancellationToken);
                    socket.Shutdown(SocketShutdown.Both);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The test is over.
        }
    }
}
