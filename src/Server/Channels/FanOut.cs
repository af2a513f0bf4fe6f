using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Channels;

/// <summary>One message to many clients: encoded once, in one array. A slow one is no matter to the others.</summary>
internal static class FanOut
{
    /// <summary>What a client at this address says to them all. Where too much of that waits it is dropped and counted.</summary>
    public static void Pass(IReadOnlyList<Client> clients, in EncodedMessage message, in IpKey sender)
    {
        using var shared = new SharedMessage(message);
        foreach (var client in clients)
        {
            client.Session.Pass(shared.Share(), sender);
        }
    }

    /// <summary>A frame of a stream. Dropped: the number of clients whose queue was full.</summary>
    public static (int Sent, int Dropped) Stream(Client[] clients, in EncodedMessage message)
    {
        using var shared = new SharedMessage(message);
        var (sent, dropped) = (0, 0);
        foreach (var client in clients)
        {
            switch (client.Session.TryStream(shared.Share()))
            {
                case SendResult.Accepted:
                    sent++;
                    break;
                case SendResult.Full:
                    dropped++;
                    break;
            }
        }

        return (sent, dropped);
    }
}
