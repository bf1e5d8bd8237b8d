/// Names for instances that were created without one: an adjective and an animal, as `brave-otter`.
enum GeneratedNames {
    /// - Parameter isTaken: Whether a name cannot be used.
    /// - Returns: nil after a hundred names were taken.
    static func next(isTaken: (String) -> Bool) -> String? {
        for _ in 0..<100 {
            guard let adjective = adjectives.randomElement(), let animal = animals.randomElement() else { return nil }
            let name = "\(adjective)-\(animal)"
            if !isTaken(name) { return name }
        }
        return nil
    }

    private static let adjectives = """
        able active agile amber ample apt awake aware bold brave bright brisk calm candid casual cheerful civil clean \
        clear clever close coral cosmic crisp curious daring decent deep direct driven eager early easy elegant eminent \
        epic equal exact fair famous fast fine firm fit fleet fond frank free fresh full funky gentle genuine glad golden \
        good grand great happy hardy helpful honest humble ideal immense indigo jolly just keen kind large lasting light \
        live logical loved loyal lucid lucky magical major mellow merry mighty mint modern moral native neat nimble noble \
        normal novel open optimal patient perfect playful polite poetic precise prime prompt proper proud pure quick quiet \
        rapid rare ready real refined regular relaxed renewed rich right robust safe sharp shining simple sincere smart \
        smooth solid sound splendid stable steady still strong subtle suited sunny super sure sweet swift tender thorough \
        tidy tough true trusty upbeat useful valid vast verified vital vivid warm willing wise witty worthy
        """.split(separator: " ").map(String.init)

    private static let animals = """
        albatross alpaca anchovy ant antelope badger barnacle bass bat bear beaver bee beetle bird bison boar bobcat \
        buffalo bull bunny burro buzzard camel cardinal caribou cat chamois cheetah chicken chipmunk clam cobra cod colt \
        condor coral cougar cow coyote crab crane cricket crow dane deer dingo dinosaur doe dogfish dolphin donkey dory \
        dove dragon drake duck eagle earwig eel elephant elk emu falcon fawn feline ferret finch firefly fish flamingo \
        flea fly foal fowl fox frog gannet gazelle gecko gelding ghost gibbon giraffe glider goat goose gopher gorilla \
        goshawk grouse grub gull guppy haddock hagfish halibut hamster hare hawk hedgehog hen hermit heron herring hippo \
        hog honeybee hornet horse hound husky hyena ibex iguana imp impala insect jackal jaguar javelin jay jennet joey \
        kangaroo katydid kid kingfish kit kite kitten koala kodiak koi krill lab ladybird ladybug lamb lamprey lark \
        lemming lemur leopard liger lion lionfish lizard llama lobster locust lynx macaque macaw mackerel magpie mako \
        mallard mammal mammoth man manatee mantis marlin marmoset marmot marten martin mastiff mastodon mayfly mink \
        minnow moccasin mole mollusk mongoose monkey monster moose moray moth mouse mudfish mule mullet muskox muskrat \
        mustang narwhal newt oarfish ocelot octopus opossum orca oriole osprey ostrich otter owl ox oyster panda panther \
        parakeet parrot peacock pegasus pelican penguin perch pheasant phoenix pig pigeon pika pipefish piranha pony poodle \
        porpoise possum prawn primate puma pup python quagga quail quetzal rabbit raccoon ram raptor raven ray redbird \
        redfish reindeer rhino ringtail robin rooster roughy sailfish salmon satyr sawfish sawfly scorpion sculpin seagull \
        seahorse seal serval shad shark sheep shepherd shiner shrew shrimp skink skunk skylark sloth slug snail snake \
        snapper snipe spaniel sparrow spider sponge squid squirrel stag stallion starfish starling stingray stork stud \
        sturgeon sunbeam sunbird sunfish swan swift swine tadpole tahr tapir tarpon teal termite terrapin terrier thrush \
        tick tiger titmouse toad tomcat tortoise toucan treefrog troll trout tuna turkey turtle unicorn urchin vervet viper \
        vulture wahoo wallaby walleye walrus warthog wasp weasel weevil whale whippet wildcat wolf wombat woodcock worm \
        wren yak yeti zebra
        """.split(separator: " ").map(String.init)
}
