using Server.Tests.Fuzz;

namespace Server.Tests;

/// <summary>A small run of what `make fuzz` runs by the million, with another seed each time; a finding names its input.</summary>
public sealed class FuzzTests
{
    private const int Inputs = 50_000;

    [Theory]
    [InlineData("PROXY header", 6)]
    [InlineData("forwarded headers", 3)]
    [InlineData("networks", 3)]
    [InlineData("client messages", 3)]
    [InlineData("WebSocket frames", 9)]
    [InlineData("request heads", 6)]
    [InlineData("handshakes", 8)]
    [InlineData("peer handshakes", 5)]
    [InlineData("admin calls", 8)]
    public void Run_ManyInputs_EveryPromiseIsKept(string name, int outcomes)
    {
        var target = FuzzTarget.All.Single(target => target.Name == name);

        // Every outcome that is not rare is met, so the run is not all refusals.
        Assert.InRange(target.Run(Inputs, (ulong)Environment.TickCount64).Count, outcomes, outcomes + 3);
    }

    [Fact]
    public void Run_ABrokenPromise_NamesTheInput()
    {
        var target = new FuzzTarget("broken", (input, _) => input.Length == 3 ? throw new InvalidOperationException("past the end") : "", FuzzTarget.Bytes("abc"), FuzzTarget.Bytes("d"));

        Assert.Contains("past the end", Assert.Throws<FuzzFinding>(() => target.Run(Inputs, 1)).Message, StringComparison.Ordinal);
    }
}
