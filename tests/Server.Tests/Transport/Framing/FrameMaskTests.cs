using Relay.Transport.Framing;

namespace Server.Tests.Transport.Framing;

public sealed class FrameMaskTests
{
    private static readonly byte[] Key = [0x37, 0xFA, 0x21, 0x3D];

    [Fact]
    public void Apply_AnyLengthAtAnyPhase_IsWhatTheLoopOfTheStandardDoes()
    {
        var random = new Random(1);
        for (var length = 0; length <= 300; length++)
        {
            for (var phase = 0; phase < 4; phase++)
            {
                // The pieces begin at an odd place in memory, too.
                var payload = new byte[1 + phase + length];
                random.NextBytes(payload);
                var expected = payload.ToArray();
                for (var i = 1; i < expected.Length; i++)
                {
                    expected[i] ^= Key[(i - 1) % 4];
                }

                var key = FrameMask.Apply(payload.AsSpan(1, phase), BitConverter.ToUInt32(Key));
                key = FrameMask.Apply(payload.AsSpan(1 + phase), key);

                Assert.Equal(expected, payload);
                Assert.Equal(BitConverter.GetBytes(key), Enumerable.Range(0, 4).Select(i => Key[(phase + length + i) % 4]));
            }
        }
    }

    [Fact]
    public void NewKey_ManyTimes_DoesNotRepeatItself() =>
        Assert.InRange(Enumerable.Range(0, 1000).Select(_ => FrameMask.NewKey()).Distinct().Count(), 990, 1000);
}
