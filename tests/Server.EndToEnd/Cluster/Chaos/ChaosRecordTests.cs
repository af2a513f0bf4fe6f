namespace Relay.EndToEnd.Cluster.Chaos;

/// <summary>What the checker of <see cref="ChaosTests"/> finds.</summary>
public sealed class ChaosRecordTests
{
    private readonly List<string> _found = [];
    private readonly ChaosRecord _record;

    public ChaosRecordTests() => _record = new ChaosRecord(1, "AAAAAA", _found.Add);

    [Fact]
    public void Messages_ThatArriveOrAreAnswered_AreNotWaitedFor()
    {
        Send(3);
        _record.Arrive(1, at: 7);
        _record.Arrive(3, at: 7);
        Assert.Equal(1, _record.Waiting);

        _record.Fail();

        Assert.Equal((0, 2, 0), (_record.Waiting, _record.Arrived, _record.Lost));
        Assert.Empty(_found);
    }

    [Fact]
    public void Message_ThatIsLostInSilence_IsWaitedFor()
    {
        Send(2);
        _record.Arrive(2, at: 7);

        Assert.Equal(1, _record.Waiting);
    }

    [Fact]
    public void Message_ThatArrivesAfterItsError_IsNoExcuseForAnother()
    {
        Send(1);
        _record.Fail();
        _record.Arrive(1, at: 7);
        Send(1);

        Assert.Equal(1, _record.Waiting);
    }

    [Fact]
    public void End_OfAConnection_LosesWhatIsOnItsWayOnly()
    {
        Send(3);
        _record.Arrive(1, at: 7);
        _record.End();
        Assert.Equal((0, 2), (_record.Waiting, _record.Lost));
        Send(1);

        Assert.Equal(1, _record.Waiting);
    }

    [Theory]
    [InlineData(1, 7, "twice")]
    [InlineData(1, 8, "twice")]
    [InlineData(2, 7, "after 3")]
    [InlineData(2, 8, null)]
    [InlineData(5, 7, "never sent")]
    [InlineData(0, 7, "never sent")]
    public void Message_ThatComesTwiceOrOutOfOrder_IsFound(int number, long at, string? found)
    {
        Send(4);
        _record.Arrive(1, at: 7);
        _record.Arrive(3, at: 7);

        _record.Arrive(number, at);

        Assert.Equal(found is null ? 0 : 1, _found.Count);
        Assert.All(_found, line => Assert.Contains(found!, line, StringComparison.Ordinal));
    }

    private void Send(int messages)
    {
        for (var i = 0; i < messages; i++)
        {
            _record.Send();
        }
    }
}
