using System.Buffers.Binary;
using Google.Protobuf;
using Relay.Native;
using Relay.Upgrade.V1;

namespace Relay.Upgrade;

/// <summary>
/// One end of the pair of sockets between a relayd and the one that takes its place. Calls wait, so they have a thread of their own; one thread
/// at a time. Throws <see cref="UpgradeException"/> when the other process ends, hangs, or does not keep to what was agreed.
/// </summary>
internal sealed class UpgradeLink(int descriptor, TimeProvider time) : IDisposable
{
    /// <summary>Of what the two say to each other.</summary>
    public const int Version = 2;

    private const int HeadBytes = 2 * sizeof(int);
    private const int MaxBytes = 1 << 20;

    // How long one call of the system waits before the time is looked at.
    private static readonly TimeSpan OneWait = TimeSpan.FromMilliseconds(200);

    private readonly byte[] _head = new byte[HeadBytes];

    private bool _isClosed;

    /// <summary>Sends a message, with descriptors that stay the caller's.</summary>
    public void Send(Handover message, IReadOnlyList<int> descriptors, TimeSpan within)
    {
        var began = time.GetTimestamp();
        PassedDescriptors.SetTimeout(descriptor, OneWait);
        var bytes = message.ToByteArray();
        BinaryPrimitives.WriteInt32LittleEndian(_head, bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(_head.AsSpan(sizeof(int)), descriptors.Count);
        byte[] all = [.. _head, .. bytes];
        for (var done = 0; done < all.Length;)
        {
            var sent = PassedDescriptors.Send(descriptor, all.AsSpan(done), done == 0 ? [.. descriptors] : []);
            if (sent > 0)
            {
                done += sent;
            }
            else if (sent != -Errno.TryAgain || time.GetElapsedTime(began) >= within)
            {
                throw new UpgradeException(sent == -Errno.TryAgain ? "the other process takes nothing" : "the other process has ended");
            }
        }
    }

    /// <summary>Waits for the next message, whose descriptors are the caller's from now on; with <paramref name="within"/> no longer than that.</summary>
    public Handover Receive(TimeSpan within, out List<int> descriptors)
    {
        var began = time.GetTimestamp();
        PassedDescriptors.SetTimeout(descriptor, OneWait);
        descriptors = [];
        try
        {
            Fill(_head, descriptors, began, within);
            var length = BinaryPrimitives.ReadInt32LittleEndian(_head);
            if (length is < 0 or > MaxBytes)
            {
                throw NoMessage();
            }

            var bytes = new byte[length];
            Fill(bytes, descriptors, began, within);
            if (BinaryPrimitives.ReadInt32LittleEndian(_head.AsSpan(sizeof(int))) != descriptors.Count)
            {
                throw new UpgradeException("not all descriptors have arrived; raise the limit of open files");
            }

            return Handover.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            descriptors.ForEach(Descriptors.Close);
            throw NoMessage();
        }
        catch (UpgradeException)
        {
            descriptors.ForEach(Descriptors.Close);
            throw;
        }
    }

    public void Dispose()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            Descriptors.Close(descriptor);
        }
    }

    private static UpgradeException NoMessage() => new("the other process has sent what is no message of a hand-over");

    private void Fill(Span<byte> buffer, List<int> descriptors, long began, TimeSpan within)
    {
        while (!buffer.IsEmpty)
        {
            var received = PassedDescriptors.Receive(descriptor, buffer, descriptors);
            if (received > 0)
            {
                buffer = buffer[received..];
            }
            else if (received != -Errno.TryAgain)
            {
                throw new UpgradeException("the other process has ended");
            }
            else if (time.GetElapsedTime(began) >= within)
            {
                throw new UpgradeException(FormattableString.Invariant($"no answer within {within.TotalSeconds:0} s"));
            }
        }
    }
}
