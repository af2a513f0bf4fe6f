using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Relay.Transport;

/// <summary>
/// Listening sockets that this process was given: by a supervisor (socket activation: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES), or by the relayd
/// whose place it takes. Each stands for the listener of its address, which is then not bound again.
/// </summary>
internal sealed class InheritedSockets(IEnumerable<Socket> sockets)
{
    private const int First = 3;

    // At the start, one listener after another.
    private readonly List<Socket> _sockets = [.. sockets];

    /// <summary>
    /// What this process was given. Throws <see cref="InvalidDataException"/>, with what to do, for a socket that is not a listening TCP
    /// socket or that no listener of the configuration has the address of.
    /// </summary>
    public static InheritedSockets Receive(Func<string, string?> variable, int processId, IReadOnlyList<Listener> listeners)
    {
        // Another process' variables, handed down: none of these descriptors is ours.
        if (variable("LISTEN_PID") != processId.ToString(CultureInfo.InvariantCulture)
            || !int.TryParse(variable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return new InheritedSockets([]);
        }

        var names = variable("LISTEN_FDNAMES")?.Split(':') ?? [];
        var sockets = new List<Socket>();
        var open = listeners.Select(listener => listener.EndPoint).ToList();
        for (var i = 0; i < count; i++)
        {
            var name = i < names.Length && names[i].Length > 0 ? $"'{names[i]}' (descriptor {First + i})" : $"descriptor {First + i}";
            var socket = Adopt(First + i, name);
            if (open.Find(endPoint => IsFor(endPoint, socket)) is not { } taken)
            {
                throw new InvalidDataException(
                    $"the socket {name} that was passed to relayd listens on {socket.LocalEndPoint}, and the public listeners are {string.Join(", ", listeners.Select(listener => listener.EndPoint))}; "
                    + "make the ListenStream of the socket unit and Listen:Address with Listen:Port (or Listen:More) the same");
            }

            open.Remove(taken);
            sockets.Add(socket);
        }

        return new InheritedSockets(sockets);
    }

    /// <summary>The sockets of the relayd whose place this one takes, which are closed where they are of no use.</summary>
    public static InheritedSockets Of(IEnumerable<int> descriptors) =>
        new([.. descriptors.Select(descriptor => new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)))]);

    /// <summary>The socket for a listener, once; null: it has to be bound. There may be several for one address.</summary>
    public Socket? Take(EndPoint endPoint)
    {
        var socket = _sockets.Find(socket => IsFor(endPoint, socket));
        if (socket is not null)
        {
            _sockets.Remove(socket);
        }

        return socket;
    }

    /// <summary>Closes what no listener has taken: the configuration has it no more.</summary>
    public void CloseRest()
    {
        _sockets.ForEach(socket => socket.Dispose());
        _sockets.Clear();
    }

    /// <summary>It listens already: it was inherited.</summary>
    public static bool Listens(Socket socket) => (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection)! != 0;

    private static bool IsFor(EndPoint listener, Socket socket) => listener is UnixDomainSocketEndPoint path
        ? socket.LocalEndPoint is UnixDomainSocketEndPoint own && own.ToString() == path.ToString()
        : listener is IPEndPoint endPoint && socket.LocalEndPoint is IPEndPoint local && IsFor(endPoint, local, socket);

    // A unit that names only the port listens on [::], which takes IPv4 as well.
    private static bool IsFor(IPEndPoint endPoint, IPEndPoint local, Socket socket) =>
        (endPoint.Port == 0 || endPoint.Port == local.Port)
        && (local.Address.Equals(endPoint.Address)
            || (local.Address.Equals(IPAddress.IPv6Any) && endPoint.Address.Equals(IPAddress.Any) && socket.DualMode));

    private static Socket Adopt(int descriptor, string name)
    {
        try
        {
            var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
            if (socket is { SocketType: SocketType.Stream, LocalEndPoint: IPEndPoint } && Listens(socket))
            {
                return socket;
            }
        }
        catch (SocketException)
        {
            // No socket at all: the same answer.
        }

        throw new InvalidDataException($"the socket {name} that was passed to relayd is not a listening TCP socket; pass it one for each public listener at most, with ListenStream, and none for the admin socket");
    }
}
