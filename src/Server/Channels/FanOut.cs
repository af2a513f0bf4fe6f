using Relay.Clients;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>One message to many clients: encoded once, in one array. A slow one is no matter to the others.</summary>
internal static class FanOut
{
    /// <summary>A message that must not be lost: a client whose queue is full is closed.</summary>
    public static void Send(IReadOnlyList<Client> clients, in EncodedMessage message)
    {
        using var shared = new SharedMessage(message);
        foreach (var client in clients)
        {
            client.Send(shared.Share());
        }
    }

    /// <summary>A message that may be lost. Dropped: the number of clients whose queue was full.</summary>
    public static (int Sent, int Dropped) TrySend(Client[] clients, in EncodedMessage message)
    {
        using var shared = new SharedMessage(message);
        var (sent, dropped) = (0, 0);
        foreach (var client in clients)
        {
            if (client.Session.TrySend(shared.Share()))
            {
                sent++;
            }
            else if (!client.Session.IsClosing)
            {
                dropped++;
            }
        }

        return (sent, dropped);
    }
}
