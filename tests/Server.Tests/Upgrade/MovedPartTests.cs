using CsCheck;
using Google.Protobuf;
using Relay.Native;
using Relay.Protocol.Moving;
using Relay.Upgrade;
using Relay.Upgrade.V1;

namespace Server.Tests.Upgrade;

/// <summary>Parts as messages of the hand-over, and read from them.</summary>
public sealed class MovedPartTests
{
    /// <summary>Parts of any length, of which some have descriptors, in messages of bounded length with so many as one call of the system takes.</summary>
    [Fact]
    public void Read_WhatWasWritten_IsTheSameWithItsDescriptors() =>
        Gen.Select(Gen.Frequency((20, Gen.Int[0, 400]), (1, Gen.Int[200_000, 900_000])), Gen.Bool).Array[0, 700].Sample(
            parts =>
            {
                var sent = new List<(Handover Message, IReadOnlyList<int> Descriptors)>();
                var writer = new MovedPartWriter((message, descriptors) => sent.Add((message, descriptors)));
                var given = parts.Select((part, number) => (Part: PartOf(part.Item1, number), Descriptor: part.Item2 ? number : -1)).ToList();
                given.ForEach(part => writer.Write(part.Part, part.Descriptor));
                writer.Finish();

                Assert.All(sent, message => Assert.InRange(message.Descriptors.Count, 0, PassedDescriptors.Max));
                Assert.All(sent, message => Assert.InRange(message.Message.CalculateSize(), 0, 300 * 1024));
                Assert.Equal([sent.Count - 1], Enumerable.Range(0, sent.Count).Where(i => sent[i].Message.Moved.IsLast));
                var reader = new MovedPartReader();
                var read = new List<(MovedPart, int)>();
                foreach (var (message, descriptors) in sent)
                {
                    foreach (var part in reader.Read(message.Moved, descriptors))
                    {
                        read.Add((part, part.HeldName.IsPeerId ? reader.TakeDescriptor() : -1));
                    }
                }

                Assert.Equal(given.Select(part => part.Part), read.Select(part => part.Item1));
                Assert.Equal(given.Where(part => part.Descriptor >= 0).Select(part => part.Descriptor), read.Where(part => part.Item2 >= 0).Select(part => part.Item2));

                MovedPart PartOf(int length, int number) => new() { HeldName = new MovedHeldName { Name = new string('x', length), IsPeerId = parts[number].Item2 } };
            },
            iter: 30);

    [Theory]
    [InlineData("FF-FF-FF-FF-7F", false)]
    [InlineData("FF-FF-FF-FF-FF-01", false)]
    [InlineData("02-FF-FF", false)]
    [InlineData("05-00", true)]
    public void Read_WhatIsNoPart_Throws(string bytes, bool isLast)
    {
        var moved = new Moved { Parts = ByteString.CopyFrom(Convert.FromHexString(bytes.Replace("-", "", StringComparison.Ordinal))), IsLast = isLast };

        Assert.Throws<InvalidDataException>(() => new MovedPartReader().Read(moved, []).ToList());
    }

    [Fact]
    public void TakeDescriptor_ThereIsNone_Throws() => Assert.Throws<InvalidDataException>(() => new MovedPartReader().TakeDescriptor());
}
