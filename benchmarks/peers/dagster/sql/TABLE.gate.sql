<<gate>>
