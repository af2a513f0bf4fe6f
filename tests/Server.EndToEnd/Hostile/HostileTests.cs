using Relay.Benchmarks.Hostile;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Hostile;

/// <summary>A moment of each attack that `make hostile` runs, beside honest clients, who must notice none.</summary>
[Trait("Programs", "Started")]
public sealed class HostileTests(ITestOutputHelper output)
{
    public static TheoryData<string> Groups =>
        [.. HostileGroup.Of(AttackList.All).Select(group => string.Join(' ', group.Select(attack => attack.Name)))];

    [Theory]
    [MemberData(nameof(Groups))]
    public async Task Attacks_OnOneRelay_HurtNobody(string names)
    {
        var attacks = names.Split(' ').Select(name => AttackList.All.Single(attack => attack.Name == name)).ToList();

        var faults = await HostileGroup.RunAsync(attacks, HostilePace.Short, [$"--Listen:Transport={TestTransport.Kind}"], output.WriteLine);

        Assert.Empty(faults);
    }
}
