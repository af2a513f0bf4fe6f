using Relay;

namespace Server.Tests;

public sealed class ClientHandlersTests
{
    [Fact]
    public void RunAll_SomeThrow_RunsTheOthersAndTellsOfEach()
    {
        var ran = new List<string>();
        var failure = ClientHandlers.RunAll(
            [
                subject => ran.Add($"first {subject}"),
                _ => throw new InvalidOperationException("second"),
                subject => ran.Add($"third {subject}"),
                _ => throw new OperationCanceledException("fourth"),
                subject => ran.Add($"fifth {subject}"),
            ],
            "client");

        Assert.Equal(["first client", "third client", "fifth client"], ran);
        Assert.Equal(["second", "fourth"], failure!.InnerExceptions.Select(exception => exception.Message));
    }

    [Fact]
    public void RunAll_NoneThrows_TellsNothing() => Assert.Null(ClientHandlers.RunAll<int>([_ => { }, _ => { }], 0));
}
