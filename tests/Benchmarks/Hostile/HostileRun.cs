namespace Relay.Benchmarks.Hostile;

/// <summary>
/// What do the others notice when somebody who may connect attacks? Each attack gets a relay of its own with honest clients at
/// other addresses. Fails when an honest connection is closed, refused or loses something, when their round trips take too long,
/// when the relay logs an error, breaks a promise to the attacker, dies, or does not stop at SIGTERM.
/// </summary>
internal static class HostileRun
{
    private const int MaxShown = 8;

    public static async Task<int> RunAsync(string[] options)
    {
        var attacks = AttackList.All;
        switch (options)
        {
            case []:
                break;
            case ["--list"]:
                foreach (var attack in attacks)
                {
                    Console.WriteLine($"{attack.Name,-24} {attack.Summary}");
                }

                return 0;
            case ["--only", var name] when attacks.FirstOrDefault(attack => attack.Name == name) is { } only:
                attacks = [only];
                break;
            default:
                Console.Error.WriteLine("hostile [--list | --only NAME], where NAME is one that --list shows");
                return 2;
        }

        var failed = new List<string>();
        foreach (var attack in attacks)
        {
            var faults = await HostileGroup.RunAsync([attack], HostilePace.Full, [], Console.WriteLine);
            foreach (var fault in faults.Take(MaxShown))
            {
                Console.WriteLine($"    FAILED: {fault}");
            }

            if (faults.Count > 0)
            {
                failed.Add(attack.Name);
            }
        }

        Console.WriteLine(failed.Count == 0
            ? $"{attacks.Count} attacks, and the honest noticed none"
            : $"{failed.Count} of {attacks.Count} attacks hurt: {string.Join(", ", failed)}");
        return failed.Count == 0 ? 0 : 1;
    }
}
