using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Clients;

namespace Server.Tests.Clients;

public sealed class HeldNamesTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ClientOptions _options = new() { MaxHeldNames = 4 };
    private readonly HeldNames _names;

    public HeldNamesTests() => _names = new HeldNames(_options, _time);

    [Fact]
    public void IsHeldForAnother_UntilItsTimeIsOver_ForEveryOtherKey()
    {
        _names.Hold("AAAAAA", "key", Address(1));

        Assert.False(_names.IsHeldForAnother("AAAAAA", "key"));
        Assert.True(_names.IsHeldForAnother("AAAAAA", "other"));
        Assert.True(_names.IsHeldForAnother("AAAAAA", null));
        Assert.False(_names.IsHeldForAnother("BBBBBB", "other"));
        _time.Advance(_options.NameHold);
        Assert.False(_names.IsHeldForAnother("AAAAAA", "other"));
        Assert.Equal(0, _names.Count);
    }

    [Fact]
    public void Hold_Again_BeginsAnewWithTheNewKey()
    {
        _names.Hold("AAAAAA", "key", Address(1));
        _time.Advance(_options.NameHold / 2);
        _names.Hold("AAAAAA", "other", Address(1));
        _time.Advance(_options.NameHold / 2);

        Assert.True(_names.IsHeldForAnother("AAAAAA", "key"));
        Assert.Equal(1, _names.Count);
    }

    [Fact]
    public void Free_Held_IsNotHeld()
    {
        _names.Hold("AAAAAA", "key", Address(1));
        _names.Free("AAAAAA");

        Assert.Equal((false, 0), (_names.IsHeldForAnother("AAAAAA", "other"), _names.Count));
    }

    /// <summary>The attack: an address that connects, registers and leaves again and again.</summary>
    [Fact]
    public void Hold_OneAddressLeavesVeryMany_FreesNobodyElses()
    {
        _names.Hold("AAAAAA", "key", Address(1));
        for (var i = 0; i < 50; i++)
        {
            _names.Hold($"name{i}", "key", Address(2));
        }

        Assert.Equal(4, _names.Count);
        Assert.True(_names.IsHeldForAnother("AAAAAA", "other"));
        Assert.False(_names.IsHeldForAnother("name46", "other"));
        Assert.True(_names.IsHeldForAnother("name49", "other"));
    }

    private static IpKey Address(int number) => IpKey.FromIpv4((uint)number << 8);
}
