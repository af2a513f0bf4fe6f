using CsCheck;
using Relay.Addresses;
using Relay.Protocol;
using Relay.Sessions;

namespace Server.Tests.Sessions;

/// <summary>Whatever is sent and taken, in whatever order: everybody has their share of what waits, and nobody more.</summary>
public sealed class OutboundQueueProperties
{
    private const int Senders = 6;

    // What is done: sent by a kind, or taken.
    private static readonly Gen<(int What, int Sender, int Length)[]> Operations =
        Gen.Select(Gen.Int[0, 5], Gen.Int[1, Senders], Gen.Int[1, 900]).Array[0, 120];

    [Fact]
    public void Queue_AnyOperations_KeepsTheShares() => Gen.Select(Operations, Gen.Int[1, 40], Gen.Int[1, 4], Gen.Int[1, 10]).Sample(
        (operations, places, unasked, sender) =>
        {
            var options = new ClientSessionOptions { QueueMessages = places, QueueBytes = 4096, UnaskedDivisor = unasked, SenderDivisor = sender };
            var queue = new OutboundQueue();
            var waiting = new List<(SendKind Kind, int Sender, int Length, int Number)>();
            var number = 0;
            foreach (var (what, by, length) in operations)
            {
                if (what == 0)
                {
                    Take(queue, options, waiting);
                }
                else
                {
                    Add(queue, options, waiting, (what switch { 1 => SendKind.Asked, 2 => SendKind.Frame, _ => SendKind.Unasked }, by, length, ++number));
                }

                Check(queue, options, waiting);
            }

            while (waiting.Count > 0)
            {
                Take(queue, options, waiting);
            }

            Assert.Equal((0, 0L), (queue.Count, queue.Bytes));
        });

    private static int Weight(ClientSessionOptions options, int length) => Math.Max(length, options.QueueBytes / options.QueueMessages);

    private static void Add(
        OutboundQueue queue, ClientSessionOptions options, List<(SendKind Kind, int Sender, int Length, int Number)> waiting, (SendKind Kind, int Sender, int Length, int Number) next)
    {
        var asked = waiting.Where(one => one.Kind == SendKind.Asked).ToList();
        var own = asked.Concat(waiting.Where(one => one.Kind == SendKind.Frame)).ToList();
        var others = waiting.Where(one => one.Kind == SendKind.Unasked).ToLookup(one => one.Sender, one => Weight(options, one.Length));
        var weight = Weight(options, next.Length);
        var total = others.Sum(of => of.Sum());
        var message = EncodedMessage.CopyOf(Bytes(next.Length, next.Number));
        var added = queue.TryAdd(new QueuedMessage(message, next.Kind, IpKey.FromIpv4((uint)next.Sender << 8)), options, out var displaced);
        if (added)
        {
            waiting.Add(next);
        }
        else
        {
            message.Return();
        }

        // What was displaced is of senders who had more than the newcomer, and each time their newest.
        var left = queue.Messages.Select(one => one.Message.Bytes.Span[0]).ToHashSet();
        var gone = waiting.Where(one => !left.Contains((byte)one.Number)).ToList();
        Assert.Equal(gone.Count, displaced);
        Assert.True(gone.Count == 0 || !others.Contains(next.Sender));
        Assert.All(gone, one => Assert.True(one.Kind == SendKind.Unasked && others[one.Sender].Sum() > weight));
        Assert.All(gone, one => Assert.DoesNotContain(waiting.Except(gone), other => other.Kind == SendKind.Unasked && other.Sender == one.Sender && other.Number > one.Number));
        waiting.RemoveAll(gone.Contains);

        switch (next.Kind)
        {
            case SendKind.Asked:
                Assert.Equal(asked.Count < options.QueueMessages && asked.Sum(one => one.Length) + next.Length <= options.QueueBytes, added);
                break;
            case SendKind.Frame:
                Assert.Equal(own.Count < options.QueueMessages / 2 && own.Sum(one => one.Length) + next.Length <= options.QueueBytes / 2, added);
                break;
            case var _ when !others.Contains(next.Sender):
                // One message always fits, unless nobody then holds more than it does.
                var held = waiting.Where(one => one.Kind == SendKind.Unasked).GroupBy(one => one.Sender).Select(of => of.Sum(one => Weight(options, one.Length)));
                Assert.True(added || held.All(size => size <= weight));
                break;
            default:
                Assert.Equal(
                    others[next.Sender].Sum() + weight <= options.QueueBytes / options.SenderDivisor && total + weight <= options.QueueBytes / options.UnaskedDivisor, added);
                break;
        }
    }

    private static void Check(OutboundQueue queue, ClientSessionOptions options, List<(SendKind Kind, int Sender, int Length, int Number)> waiting)
    {
        var others = waiting.Where(one => one.Kind == SendKind.Unasked).ToList();
        Assert.Equal((waiting.Count, waiting.Sum(one => (long)one.Length)), (queue.Count, queue.Bytes));
        Assert.True(others.Count <= 1 || others.Sum(one => Weight(options, one.Length)) <= options.QueueBytes / options.UnaskedDivisor);
        Assert.All(others.GroupBy(one => one.Sender), held => Assert.True(
            held.Count() == 1 || held.Sum(one => Weight(options, one.Length)) <= options.QueueBytes / options.SenderDivisor));
        var asked = waiting.Where(one => one.Kind == SendKind.Asked).ToList();
        Assert.Equal(
            asked.Count <= options.QueueMessages / 2 && asked.Sum(one => one.Length) <= options.QueueBytes / 2, queue.RoomAsync(options).IsCompleted);
        Assert.Equal(asked.Count > 0, queue.HasAsked);
    }

    private static void Take(OutboundQueue queue, ClientSessionOptions options, List<(SendKind Kind, int Sender, int Length, int Number)> waiting)
    {
        Assert.Equal(waiting.Count > 0, queue.TryTake(out var message, options));
        if (waiting.Count > 0)
        {
            Assert.Equal((waiting[0].Kind, waiting[0].Length), (message.Kind, message.Message.Length));
            waiting.RemoveAt(0);
            message.Message.Return();
        }
    }

    private static byte[] Bytes(int length, int number)
    {
        var bytes = new byte[Math.Max(length, 1)];
        bytes[0] = (byte)number;
        return bytes;
    }
}
